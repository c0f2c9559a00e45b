import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { number, op } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface Relu6Layer<From extends string = string> extends Reads<From> {
  readonly kind: 'relu6'
}

/** `min(max(x, 0), 6)`. */
export function relu6<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): Relu6Layer<Carried<F, Source>> {
  return described('relu6', tables, {}, options)
}

export default {
  ...activation((value) => Math.min(Math.max(value, 0), 6)),
  table: tableOf(tables),
  onnx: (_layer, { inputs }) => op('Clip', [...inputs, number('min', 0), number('max', 6)]),
} satisfies LayerKind<Relu6Layer>
