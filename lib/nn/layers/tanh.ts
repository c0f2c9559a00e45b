import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface TanhLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'tanh'
}

/** The hyperbolic tangent. */
export function tanh<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): TanhLayer<Carried<F, Source>> {
  return described('tanh', tables, {}, options)
}

export default {
  ...activation((value) => Math.tanh(value)),
  table: tableOf(tables),
  onnx: plainly('Tanh'),
} satisfies LayerKind<TanhLayer>
