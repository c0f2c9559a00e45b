import { readOptions } from '../../base/option.js'
import type { Carried, LayerKind } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { several } from './parts/options.js'

export interface AddLayer<From extends string = string> {
  readonly kind: 'add'
  readonly from: readonly From[]
}

/** The sum of layers of one shape: how a residual block ends. */
export function add<const F extends Source, Source extends string = string>(
  ...from: readonly [F, F, ...F[]]
): AddLayer<Carried<F, Source>> {
  return { kind: 'add', ...readOptions('add', several, { from }) } as AddLayer<F>
}

export default {
  table: several,
  several: true,
  shape(_layer, inputs, refuse) {
    const [input] = inputs
    const other = inputs.find((shape) => shape.join() !== input.join())
    if (inputs.length < 2) throw refuse('two inputs or more')
    if (other !== undefined) throw refuse(`inputs of one shape, but another has [${other.join(', ')}]`)
    return input
  },
  channels: () => ({ flow: 'passes' }),
  constants: (_layer, [first, ...others]) =>
    first.map((value, c) => others.reduce((sum, other) => sum + other[c]!, value)),
  onnx: plainly('Sum'),
} satisfies LayerKind<AddLayer>
