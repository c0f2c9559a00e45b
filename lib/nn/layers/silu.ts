import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { op } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface SiluLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'silu'
}

/** `x · sigmoid(x)`, also called swish. */
export function silu<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): SiluLayer<Carried<F, Source>> {
  return described('silu', tables, {}, options)
}

export default {
  ...activation((value) => value / (1 + Math.exp(-value))),
  table: tableOf(tables),
  onnx: (_layer, { inputs: [x] }) => op('Mul', [x, op('Sigmoid', [x])]),
} satisfies LayerKind<SiluLayer>
