import { product } from '../../base/lists.js'
import { type Carried, described, type From, type LayerKind, type Reads, tableOf } from './parts/kind.js'
import { plainly } from './parts/onnx.js'

const tables = { of: {}, options: {} }

export interface FlattenLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'flatten'
}

/** `[N, ...]` to `[N, product]`. */
export function flatten<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): FlattenLayer<Carried<F, Source>> {
  return described('flatten', tables, {}, options)
}

export default {
  table: tableOf(tables),
  shape: (_layer, [input]) => [product(input)],
  channels: () => ({ flow: 'flattens' }),
  constants: (_layer, [input]) => input,
  transparent: true,
  onnx: plainly('Flatten', { axis: 1 }),
} satisfies LayerKind<FlattenLayer>
