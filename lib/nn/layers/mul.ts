import { product } from '../../base/lists.js'
import { readOptions } from '../../base/option.js'
import type { Shape } from '../../tensor/shape.js'
import type { Carried, LayerKind } from './parts/kind.js'
import { op } from './parts/onnx.js'
import { several } from './parts/options.js'

export interface MulLayer<From extends string = string> {
  readonly kind: 'mul'
  readonly from: readonly From[]
}

/**
 * The product of layers, element by element. They have one shape, or one value for each channel of the others, such as
 * `[channels, 1, 1]` beside `[channels, H, W]`: a gate (Hu et al. 2018).
 */
export function mul<const F extends Source, Source extends string = string>(
  ...from: readonly [F, F, ...F[]]
): MulLayer<Carried<F, Source>> {
  return { kind: 'mul', ...readOptions('mul', several, { from }) } as MulLayer<F>
}

export default {
  table: several,
  several: true,
  shape(_layer, inputs, refuse) {
    if (inputs.length < 2) throw refuse('two inputs or more')
    const largest = inputs.reduce((a, b) => (product(b) > product(a) ? b : a))
    const odd = inputs.find((shape) => shape.join() !== largest.join() && !isGate(shape, largest))
    if (odd === undefined) return largest
    // The error names the first input already.
    const other = odd === inputs[0] ? largest : odd
    throw refuse(`inputs of one shape or one value a channel, but another has [${other.join(', ')}]`)
  },
  channels: () => ({ flow: 'passes' }),
  constants: (_layer, inputs) =>
    inputs[0].map((_, c) => {
      const values = inputs.map((input) => input[c]!)
      return values.includes(0) ? 0 : values.reduce((all, value) => all * value, 1)
    }),
  onnx(_layer, { inputs: [first, second, ...others] }) {
    const product = op('Mul', [first, second])
    return others.reduce((all, each) => op('Mul', [all, each]), product)
  },
} satisfies LayerKind<MulLayer>

/** Whether a shape has one value for each channel of another. */
function isGate(shape: Shape, of: Shape): boolean {
  return shape.length === of.length && shape[0] === of[0] && shape.slice(1).every((size) => size === 1)
}
