import { TorchPruneError } from '../base/errors.js'
import type { Shape } from '../tensor/shape.js'
import type { Layer } from './layers.js'

/** Sizes of one sample, without the batch: `[channels, height, width]` or `[features]`. */
export type { Shape } from '../tensor/shape.js'

/** The shape of a layer's output for one sample. Throws `ERR_SHAPE` naming the layer that does not fit. */
export function outputShape(name: string, layer: Layer, inputs: readonly Shape[]): Shape {
  if (layer.kind !== 'add' && inputs.length !== 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer '${name}' (${layer.kind}) reads one layer, not ${inputs.length}: put an add() before it`,
    )
  }
  const [input = []] = inputs
  const refuse = (expected: string) =>
    new TorchPruneError(
      'ERR_SHAPE',
      `layer '${name}' (${layer.kind}) expects ${expected}, got [${input.join(', ')}]`,
    )
  const image = (): readonly [number, number, number] => {
    if (input.length !== 3) throw refuse('[channels, height, width]')
    return input as readonly [number, number, number]
  }
  switch (layer.kind) {
    case 'linear':
      if (input.length !== 1 || input[0] !== layer.inFeatures) {
        throw refuse(`[${layer.inFeatures}]${input.length > 1 ? ' (put a flatten() before it)' : ''}`)
      }
      return [layer.outFeatures]
    case 'conv2d': {
      const [channels, height, width] = image()
      if (channels !== layer.inChannels) throw refuse(`${layer.inChannels} channels`)
      if (channels % layer.groups !== 0 || layer.outChannels % layer.groups !== 0) {
        throw refuse(`channels in and out (${layer.outChannels}) that its groups (${layer.groups}) divide`)
      }
      const [h, w] = slide([height, width], layer.kernelSize, layer.stride, layer.padding, layer.dilation)
      if (h < 1 || w < 1) throw refuse('an input at least as large as its kernel')
      return [layer.outChannels, h, w]
    }
    case 'batchNorm2d':
      if (image()[0] !== layer.features) throw refuse(`${layer.features} channels`)
      return input
    case 'maxPool2d':
    case 'avgPool2d': {
      const [channels, height, width] = image()
      const ceil = layer.kind === 'maxPool2d' && layer.ceilMode
      const [h, w] = slide([height, width], layer.kernelSize, layer.stride, layer.padding, [1, 1], ceil)
      if (h < 1 || w < 1) throw refuse('an input at least as large as its window')
      return [channels, h, w]
    }
    case 'adaptiveAvgPool2d':
      return [image()[0], ...layer.outputSize]
    case 'localResponseNorm':
      image()
      return input
    case 'flatten':
      return [input.reduce((product, size) => product * size, 1)]
    case 'relu':
    case 'dropout':
      return input
    case 'add': {
      const other = inputs.find((shape) => shape.join() !== input.join())
      if (inputs.length < 2) throw refuse('two inputs or more')
      if (other !== undefined) throw refuse(`inputs of one shape, but another has [${other.join(', ')}]`)
      return input
    }
    default:
      throw unknownKind(name, layer)
  }
}

function unknownKind(name: string, layer: never): TorchPruneError {
  const { kind } = layer as { kind?: unknown }
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `layer '${name}' is of kind '${kind}', which does not exist: make layers with linear(), conv2d() and so on`,
  )
}

type Pair = readonly [number, number]

/** Positions of a sliding window in each direction, as PyTorch counts them. */
function slide(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil = false): Pair {
  const along = (axis: 0 | 1) => {
    const room = size[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
    if (!ceil) return Math.floor(room / stride[axis]) + 1
    const positions = Math.ceil(room / stride[axis]) + 1
    // A window may not start in the padding behind the input.
    return (positions - 1) * stride[axis] >= size[axis] + padding[axis] ? positions - 1 : positions
  }
  return [along(0), along(1)]
}
