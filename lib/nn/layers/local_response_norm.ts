import { number as anyNumber } from '../../base/kind.js'
import { product } from '../../base/lists.js'
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
import { float, number, op, wholes, windowOf } from './parts/onnx.js'
import { count } from './parts/options.js'
import { onlyZeros } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = {
  of: { size: count },
  options: {
    /** @default 1e-4 */
    alpha: optional(anyNumber(), 1e-4),
    /** @default 0.75 */
    beta: optional(anyNumber(), 0.75),
    /** @default 1 */
    k: optional(anyNumber(), 1),
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
  channels: () => ({ flow: 'passes', fixed: 'neighbors' }),
  reach: ({ size }, channel, input) => [
    Math.max(0, channel - Math.floor(size / 2)),
    Math.min(input[0]!, channel + Math.floor((size - 1) / 2) + 1),
  ],
  // A value is divided by what its neighbors are, but 0 stays 0.
  constants: (_layer, [input]) => onlyZeros(input),
  onnx({ size, alpha, beta, k }, { inputs: [x], inputShape }) {
    if (size % 2 === 1) {
      return op('LRN', [x], { size, alpha: float(alpha), beta: float(beta), bias: float(k) })
    }
    // ONNX puts the odd channel of an even window on the other side. A mean along a dimension of its own does not.
    const [channels, ...image] = inputShape
    const squares = op('Reshape', [op('Mul', [x, x]), wholes('rows', [0, 1, channels!, product(image)])])
    // Padded apart, since onnxruntime 1.22 to 1.24 counts padded places wrongly.
    const padded = op('Pad', [squares, wholes('pads', [0, 0, size / 2, 0, 0, 0, size / 2 - 1, 0])])
    const window = windowOf({ kernelSize: [size, 1], stride: [1, 1], padding: [0, 0] })
    const means = op('Reshape', [op('AveragePool', [padded], window), wholes('image', [0, ...inputShape])])
    const base = op('Add', [op('Mul', [means, number('alpha', alpha)]), number('k', k)])
    return op('Div', [x, op('Pow', [base, number('beta', beta)])])
  },
} satisfies LayerKind<LocalResponseNormLayer>
