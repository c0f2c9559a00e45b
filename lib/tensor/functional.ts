import { pair } from '../base/collection.js'
import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, number, whole, words } from '../base/kind.js'
import { product } from '../base/lists.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { tensorKind } from './core.js'
import { invokeTensor } from './invoke.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

/** One size for both dimensions, or `[height, width]`. */
export type Pair = number | readonly [number, number]

/** Computes `input × weightᵀ + bias`: an input `[…, in]`, weight `[out, in]` and bias `[out]` give `[…, out]`. */
export function linear<D extends DType>(
  input: Tensor<D>,
  weight: Tensor<D>,
  bias?: Tensor<D> | undefined,
): Tensor<D> {
  return Tensor.wrap(invokeTensor('linear', input, weight, bias))
}

const size = (least: number) => anyOf(whole(least), pair(whole(least)))
const factors = optional(tensorKind)

const convOptions = {
  /**
   * The step between windows.
   * @default 1
   */
  stride: optional(size(1)),
  /**
   * Zeros around the image: a number, a pair, or 'same' or 'valid'.
   * @default 0
   */
  padding: optional(anyOf(size(0), words('same', 'valid'))),
  /**
   * The distance between the elements of the kernel.
   * @default 1
   */
  dilation: optional(size(1)),
  /**
   * The number of groups that channels are divided into; each is convolved on its own.
   * @default 1
   */
  groups: optional(whole(1)),
}

/** Options of `conv2d`. */
export interface ConvOptions extends OptionsOf<typeof convOptions> {}

/**
 * Convolves: an input `[n, in, h, w]`, weight `[out, in / groups, kh, kw]` and bias `[out]` give `[n, out, h', w']`.
 */
export function conv2d<D extends DType>(
  input: Tensor<D>,
  weight: Tensor<D>,
  bias?: Tensor<D> | undefined,
  options?: ConvOptions,
): Tensor<D> {
  const { stride, padding, dilation, groups } = readOptions('conv2d', convOptions, options)
  const operator = typeof padding === 'string' ? 'conv2d.padding' : 'conv2d'
  return Tensor.wrap(invokeTensor(operator, input, weight, bias, stride, padding, dilation, groups))
}

const poolOptions = {
  /**
   * The step between windows.
   * @default the kernel's size
   */
  stride: optional(size(1)),
  /**
   * The border around the image.
   * @default 0
   */
  padding: optional(size(0)),
  /**
   * Whether to round output sizes up.
   * @default false
   */
  ceilMode: optional(boolean),
}
const maxPoolOptions = {
  ...poolOptions,
  /**
   * The distance between the elements of a window.
   * @default 1
   */
  dilation: optional(size(1)),
}
const avgPoolOptions = {
  ...poolOptions,
  /**
   * Whether the zeros of the border count in the mean.
   * @default true
   */
  countIncludePad: optional(boolean),
}

/** Options of `maxPool2d`. */
export interface MaxPoolOptions extends OptionsOf<typeof maxPoolOptions> {}
/** Options of `avgPool2d`. */
export interface AvgPoolOptions extends OptionsOf<typeof avgPoolOptions> {}

/** Computes the largest value of each window of `[n, c, h, w]`. */
export function maxPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  options?: MaxPoolOptions,
): Tensor<D> {
  const { stride, padding, dilation, ceilMode } = readOptions('maxPool2d', maxPoolOptions, options)
  return Tensor.wrap(invokeTensor('max_pool2d', input, kernel, stride, padding, dilation, ceilMode))
}

/** Computes the mean of each window of `[n, c, h, w]`; the border counts unless `countIncludePad` is false. */
export function avgPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  options?: AvgPoolOptions,
): Tensor<D> {
  const read = readOptions('avgPool2d', avgPoolOptions, options)
  const { stride, padding, ceilMode, countIncludePad } = read
  return Tensor.wrap(invokeTensor('avg_pool2d', input, kernel, stride, padding, ceilMode, countIncludePad))
}

/** Computes means over windows that are chosen so that the output has size `size`. */
export function adaptiveAvgPool2d<D extends DType>(input: Tensor<D>, size: Pair): Tensor<D> {
  return Tensor.wrap(invokeTensor('adaptive_avg_pool2d', input, size))
}

const dropoutOptions = {
  /**
   * The probability that an element is zeroed.
   * @default 0.5
   */
  p: optional(number({ least: 0, most: 1 }), 0.5),
  /**
   * Without it, the input is returned unchanged.
   * @default true
   */
  training: optional(boolean, true),
}

/** Options of `dropout`. */
export interface DropoutOptions extends OptionsOf<typeof dropoutOptions> {}

/** Zeroes elements with probability `p` and scales the others by `1 / (1 − p)`; does nothing if `training` is false. */
export function dropout<D extends DType>(input: Tensor<D>, options?: DropoutOptions): Tensor<D> {
  const { p, training } = readOptions('dropout', dropoutOptions, options)
  return Tensor.wrap(invokeTensor('dropout', input, p, training))
}

const layerNormOptions = {
  /** Factors of the normalized values, with the shape `shape`. */
  weight: factors,
  /** Added to the normalized values, with the shape `shape`. */
  bias: factors,
  /**
   * A small number that is added to the variance.
   * @default 1e-5
   */
  eps: optional(number()),
}

/** Options of `layerNorm`. */
export interface LayerNormOptions<D extends DType>
  extends Omit<OptionsOf<typeof layerNormOptions>, 'weight' | 'bias'> {
  /** Factors of the normalized values, with the shape `shape`. */
  readonly weight?: Tensor<D> | undefined
  /** Added to the normalized values, with the shape `shape`. */
  readonly bias?: Tensor<D> | undefined
}

/** Normalizes the last dimensions, those of `shape`, to mean 0 and variance 1. */
export function layerNorm<D extends DType>(
  input: Tensor<D>,
  shape: Shape,
  options?: LayerNormOptions<D>,
): Tensor<D> {
  const { weight, bias, eps } = readOptions('layerNorm', layerNormOptions, options)
  return Tensor.wrap(invokeTensor('layer_norm', input, shape, weight, bias, eps))
}

const batchNormOptions = {
  /** Factors of the normalized values, one per channel. */
  weight: factors,
  /** Added to the normalized values, one per channel. */
  bias: factors,
  /** The running mean of each channel: updated in training, otherwise used in place of the batch's. */
  runningMean: factors,
  /** The running variance of each channel: updated in training, otherwise used in place of the batch's. */
  runningVar: factors,
  /**
   * Whether to normalize by the batch's own mean and variance.
   * @default false
   */
  training: optional(boolean, false),
  /**
   * The weight of a batch's statistics in the running ones.
   * @default 0.1
   */
  momentum: optional(number(), 0.1),
  /**
   * A small number that is added to the variance.
   * @default 1e-5
   */
  eps: optional(number(), 1e-5),
}

/** Options of `batchNorm`. */
export interface BatchNormOptions extends OptionsOf<typeof batchNormOptions> {}

/**
 * Normalizes each channel of `[n, c, …]` to mean 0 and variance 1.
 *
 * @throws TorchPruneError `ERR_SHAPE` if, in training, a channel has only one value, which has no variance.
 */
export function batchNorm<D extends DType>(input: Tensor<D>, options?: BatchNormOptions): Tensor<D> {
  const read = readOptions('batchNorm', batchNormOptions, options)
  const { weight, bias, runningMean, runningVar, training, momentum, eps } = read
  tensorKind.read(input, 'batchNorm: input')
  const [samples = 1, , ...rest] = input.shape
  if (training && samples * product(rest) === 1) {
    throw new TorchPruneError(
      'ERR_SHAPE',
      `batchNorm: a channel of [${input.shape.join(', ')}] has one value, so it has no variance to train on: give it more samples`,
    )
  }
  if (!(training ? eps > 0 : eps >= 0)) {
    const bound = training ? 'over 0 in training' : '0 or more'
    throw new TorchPruneError('ERR_ARGUMENT', `batchNorm: eps must be ${bound}, got ${eps}`)
  }
  const statistics = [runningMean, runningVar, training, momentum, eps, true]
  return Tensor.wrap(invokeTensor('batch_norm', input, weight, bias, ...statistics))
}

const embeddingOptions = {
  /** A row that receives no gradient; negative indices count from the end. */
  paddingIndex: optional(whole()),
}

/** Options of `embedding`. */
export interface EmbeddingOptions extends OptionsOf<typeof embeddingOptions> {}

/** Looks up the rows of `weight` `[entries, size]` that the int64 or int32 `indices` name: `[…, size]`. */
export function embedding<D extends DType>(
  weight: Tensor<D>,
  indices: Tensor<'int64' | 'int32'>,
  options?: EmbeddingOptions,
): Tensor<D> {
  const { paddingIndex } = readOptions('embedding', embeddingOptions, options)
  tensorKind.read(weight, 'embedding: weight')
  if (paddingIndex === undefined) return Tensor.wrap(invokeTensor('embedding', weight, indices))
  const [entries = 0] = weight.shape
  if (!(paddingIndex >= -entries && paddingIndex < entries)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `embedding: paddingIndex must name one of ${entries} rows, got ${paddingIndex}`,
    )
  }
  // libtorch treats a negative index as none.
  const row = paddingIndex < 0 ? entries + paddingIndex : paddingIndex
  return Tensor.wrap(invokeTensor('embedding', weight, indices, row))
}
export * from './loss.js'
