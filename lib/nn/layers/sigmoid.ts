import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface SigmoidLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'sigmoid'
}

/** `1 / (1 + exp(-x))`. */
export function sigmoid<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): SigmoidLayer<Carried<F, Source>> {
  return described('sigmoid', tables, {}, options)
}

export default {
  ...activation((value) => 1 / (1 + Math.exp(-value))),
  table: tableOf(tables),
  onnx: plainly('Sigmoid'),
} satisfies LayerKind<SigmoidLayer>
