import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface ReluLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'relu'
}

/** `max(x, 0)`. */
export function relu<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): ReluLayer<Carried<F, Source>> {
  return described('relu', tables, {}, options)
}

export default {
  ...activation((value) => Math.max(value, 0)),
  table: tableOf(tables),
  onnx: plainly('Relu'),
} satisfies LayerKind<ReluLayer>
