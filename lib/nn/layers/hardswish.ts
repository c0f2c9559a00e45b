import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { activation } from './parts/pass.js'

const tables = { of: {}, options: {} }

export interface HardswishLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'hardswish'
}

/** `x · relu6(x + 3) / 6` (Howard et al. 2019). */
export function hardswish<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): HardswishLayer<Carried<F, Source>> {
  return described('hardswish', tables, {}, options)
}

export default {
  ...activation((value) => (value * Math.min(Math.max(value + 3, 0), 6)) / 6),
  table: tableOf(tables),
  onnx: plainly('HardSwish'),
} satisfies LayerKind<HardswishLayer>
