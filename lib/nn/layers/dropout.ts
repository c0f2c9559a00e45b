import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { share } from './parts/options.js'
import { passing } from './parts/pass.js'

const tables = { of: { p: share }, options: {} }

export interface DropoutLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'dropout'
}

/** Zeroes a share `p` of its inputs while training, and scales the rest by `1 / (1 - p)`. */
export function dropout<const F extends Source = never, Source extends string = string>(
  p = 0.5,
  options?: From<F>,
): DropoutLayer<Carried<F, Source>> {
  return described('dropout', tables, { p }, options)
}

export default {
  ...passing,
  table: tableOf(tables),
  transparent: true,
  dropped: ({ p }) => p,
  onnx: plainly('Identity'),
} satisfies LayerKind<DropoutLayer>
