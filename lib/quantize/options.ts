import { abortOptions } from '../base/abort.js'
import { record } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, callback, type Kind, number, seed, whole, words } from '../base/kind.js'
import { group, optional, type ReadOf } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { type RetrainOptions, retrainOptions } from '../train/options.js'
import type { TrainProgress } from '../train/progress.js'

/** The addon keeps an index in 16 bits. */
const MOST_VALUES = 32767
const MOST_BITS = 14

const byLayer = (each: Kind<number>) =>
  anyOf(each, record(each, 'an object of numbers by layer, or by fc and conv'))

/** A number of values that the weights of a layer share, and the same in bits. */
export const valuesKind = whole(1, MOST_VALUES)
export const bitsKind = whole(0, MOST_BITS)

export const budgetOptions = {
  /** The bytes of the whole network, by the entropy of its values and positions. */
  bytes: optional(number({ over: 0 })),
  /**
   * Percentage points of error on the validation part, summed over layers as each was measured by itself, before
   * retraining.
   */
  error: optional(number({ least: 0 })),
}

/** What a quantized network may cost: one of two. */
export type QuantizeBudget =
  /** The bytes of the whole network, by the entropy of its values and positions. */
  | { readonly bytes: number }
  /** Percentage points of error on the validation part that sharing values may add, before retraining. */
  | { readonly error: number }

const budget = group(budgetOptions)

const budgetKind: Kind<QuantizeBudget> = {
  expected: budget.expected,
  fits: budget.fits,
  schema: (help) => budget.schema?.(help),
  read(value, name) {
    const { bytes, error } = budget.read(value, name)
    if (bytes !== undefined && error === undefined) return { bytes }
    if (error !== undefined && bytes === undefined) return { error }
    throw new TorchPruneError('ERR_ARGUMENT', `${name} must be one of { bytes } and { error }`)
  },
}

const retrain: Kind<ReadOf<typeof retrainOptions>, RetrainOptions> = group(retrainOptions)

/** How many values weights share: one of `values`, `bits` and `budget`. */
export const sharingOptions = {
  /** How many values the weights of a layer share at most: one number, or one by layer or for all `fc` and `conv`. */
  values: optional(byLayer(valuesKind)),
  /** The same in bits: `bits: 5` is 32 values. */
  bits: optional(byLayer(bitsKind)),
  /** What the network may cost: the numbers of values are found that meet it. */
  budget: optional(budgetKind),
}

export const quantizeOptions = {
  /**
   * `'shared'`: the weights of a layer share a few values. `'int8'`: weights are rounded to 255 levels in each output
   * channel, evenly spaced and on both sides of 0, as ONNX's runtimes take them; zeros stay zeros, and an ONNX export
   * stores one byte for each weight.
   * @default 'shared'
   */
  scheme: optional(words('shared', 'int8'), 'shared'),
  ...sharingOptions,
  /**
   * How the shared values are trained after weights were given them; not for int8.
   * @default not at all
   */
  retrain: optional(retrain),
  /**
   * What retraining trains. `'values'`: the shared values, by the sum of their weights' gradients, and each weight stays
   * with its own (Deep Compression). `'weights'`: the weights, while each is read as the nearest shared value, which
   * follows as the mean of its weights (straight-through), so that weights find others to share; far fewer values then do.
   * @default 'values'
   */
  trains: optional(words('values', 'weights'), 'values'),
  /**
   * What a bit of the coded file costs while weights are trained (`trains: 'weights'`), beside the squared distance of a
   * weight from its value, over the mean square of the layer's kept weights: each weight is read as the cheapest value, 0
   * among them, and so may be pruned (entropy-constrained quantization: Wiedemann et al. 2018). The bits are those of the
   * value and of the place, by how many weights of its row and its column are kept. At 0.03, LeNet-5 loses a tenth of
   * 2,300 weights and of its file; at 0.1 half, and its error doubles.
   * @default 0
   */
  price: optional(number({ least: 0 }), 0),
  /**
   * How many values the biases of a layer share at most, and its factors of normalization: found by k-means in the end,
   * where that makes them fewer by half.
   * @default each has its own
   */
  biasValues: optional(valuesKind),
  /**
   * What biases and the factors of normalization are rounded to in the end; they stay float32 in memory.
   * @default 'float32', as they are
   */
  biases: optional(words('float32', 'float16'), 'float32'),
  /**
   * Seeds the order of samples and dropout.
   * @default the network's own
   */
  seed: optional(seed),
  /** Called now and then within an epoch. */
  onProgress: optional(callback<Listener<TrainProgress>>()),
  ...abortOptions,
}
