import { TorchPruneError } from '../base/errors.js'
import type { Shape } from '../tensor/shape.js'
import { kindOf } from './layer_kind.js'
import type { Layer } from './layers/index.js'

/** Sizes of one sample, without the batch: `[channels, height, width]` or `[features]`. */
export type { Shape } from '../tensor/shape.js'

/** The shape of a layer's output for one sample. Throws `ERR_SHAPE` naming the layer that does not fit. */
export function outputShape(name: string, layer: Layer, inputs: readonly Shape[]): Shape {
  const kind = kindOf(layer)
  const [first = [], ...others] = inputs
  if (!kind.several && inputs.length !== 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer '${name}' (${layer.kind}) reads one layer, not ${inputs.length}: put an add() before it`,
    )
  }
  return kind.shape(layer, [first, ...others], (expected) => {
    const what = `layer '${name}' (${layer.kind}) expects ${expected}, got [${first.join(', ')}]`
    return new TorchPruneError('ERR_SHAPE', what)
  })
}
