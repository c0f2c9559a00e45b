import { number } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { count } from './parts/options.js'
import { onlyZeros } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = {
  of: { size: count },
  options: {
    /** @default 1e-4 */
    alpha: optional(number(), 1e-4),
    /** @default 0.75 */
    beta: optional(number(), 0.75),
    /** @default 1 */
    k: optional(number(), 1),
  },
}

export interface LocalResponseNormOptions extends OptionsOf<typeof tables.options> {}

/** See {@link localResponseNorm}. */
export interface LocalResponseNormLayer<From extends string = string>
  extends Reads<From>,
    MadeOf<typeof tables> {
  readonly kind: 'localResponseNorm'
}

/**
 * Divides each value by `(k + alpha · mean of squares over size channels around its own) ^ beta`, channels outside
 * counting as 0 (Krizhevsky et al. 2012, section 3.3, with `alpha / size` for their alpha). PyTorch's definition and
 * defaults, which are Caffe's too.
 */
export function localResponseNorm<const F extends Source = never, Source extends string = string>(
  size: number,
  options?: From<F> & LocalResponseNormOptions,
): LocalResponseNormLayer<Carried<F, Source>> {
  return described('localResponseNorm', tables, { size }, options)
}

export default {
  table: tableOf(tables),
  shape(_layer, [input], refuse) {
    image(input, refuse)
    return input
  },
  channels: () => ({ flow: 'passes', fixed: 'neighbours' }),
  reach: ({ size }, channel, input) => [
    Math.max(0, channel - Math.floor(size / 2)),
    Math.min(input[0]!, channel + Math.floor((size - 1) / 2) + 1),
  ],
  // A value is divided by what its neighbours are, but 0 stays 0.
  constants: (_layer, [input]) => onlyZeros(input),
} satisfies LayerKind<LocalResponseNormLayer>
