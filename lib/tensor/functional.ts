import { pair } from '../base/collection.js'
import type { DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, number, whole, words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { tensorKind } from './core.js'
import { invokeTensor } from './invoke.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

/** One size for both dimensions, or `[height, width]`. */
export type Pair = number | readonly [number, number]

/** `input × weightᵀ + bias`: `[…, in]`, `[out, in]`, `[out]` give `[…, out]`. */
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
  /** @default 1 */
  stride: optional(size(1)),
  /**
   * Zeros around the image: a number, a pair, or 'same' or 'valid'.
   * @default 0
   */
  padding: optional(anyOf(size(0), words('same', 'valid'))),
  /** @default 1 */
  dilation: optional(size(1)),
  /** @default 1 */
  groups: optional(whole(1)),
}

export interface ConvOptions extends OptionsOf<typeof convOptions> {}

/** `[n, in, h, w]` with weights `[out, in / groups, kh, kw]` and bias `[out]` gives `[n, out, h', w']`. */
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
  /** @default the kernel's size */
  stride: optional(size(1)),
  /** @default 0 */
  padding: optional(size(0)),
  /**
   * Rounds output sizes up.
   * @default false
   */
  ceilMode: optional(boolean),
}
const maxPoolOptions = {
  ...poolOptions,
  /** @default 1 */
  dilation: optional(size(1)),
}
const avgPoolOptions = {
  ...poolOptions,
  /**
   * Whether the border counts.
   * @default true
   */
  countIncludePad: optional(boolean),
}

export interface MaxPoolOptions extends OptionsOf<typeof maxPoolOptions> {}
export interface AvgPoolOptions extends OptionsOf<typeof avgPoolOptions> {}

/** The largest value of each window of `[n, c, h, w]`. */
export function maxPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  options?: MaxPoolOptions,
): Tensor<D> {
  const { stride, padding, dilation, ceilMode } = readOptions('maxPool2d', maxPoolOptions, options)
  return Tensor.wrap(invokeTensor('max_pool2d', input, kernel, stride, padding, dilation, ceilMode))
}

/** The mean of each window of `[n, c, h, w]`; the border counts unless `countIncludePad` is false. */
export function avgPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  options?: AvgPoolOptions,
): Tensor<D> {
  const read = readOptions('avgPool2d', avgPoolOptions, options)
  const { stride, padding, ceilMode, countIncludePad } = read
  return Tensor.wrap(invokeTensor('avg_pool2d', input, kernel, stride, padding, ceilMode, countIncludePad))
}

/** Means over windows chosen so that the output is `size`. */
export function adaptiveAvgPool2d<D extends DType>(input: Tensor<D>, size: Pair): Tensor<D> {
  return Tensor.wrap(invokeTensor('adaptive_avg_pool2d', input, size))
}

const dropoutOptions = {
  /** @default 0.5 */
  p: optional(number({ least: 0, most: 1 }), 0.5),
  /** @default true */
  training: optional(boolean, true),
}

export interface DropoutOptions extends OptionsOf<typeof dropoutOptions> {}

/** Zeroes elements with probability `p` and scales the others by `1 / (1 − p)`; nothing unless training. */
export function dropout<D extends DType>(input: Tensor<D>, options?: DropoutOptions): Tensor<D> {
  const { p, training } = readOptions('dropout', dropoutOptions, options)
  return Tensor.wrap(invokeTensor('dropout', input, p, training))
}

const layerNormOptions = {
  weight: factors,
  bias: factors,
  /**
   * Added to the variance.
   * @default 1e-5
   */
  eps: optional(number()),
}

export interface LayerNormOptions<D extends DType>
  extends Omit<OptionsOf<typeof layerNormOptions>, 'weight' | 'bias'> {
  readonly weight?: Tensor<D> | undefined
  readonly bias?: Tensor<D> | undefined
}

/** Mean 0 and variance 1 over the last dimensions, those of `shape`. */
export function layerNorm<D extends DType>(
  input: Tensor<D>,
  shape: Shape,
  options?: LayerNormOptions<D>,
): Tensor<D> {
  const { weight, bias, eps } = readOptions('layerNorm', layerNormOptions, options)
  return Tensor.wrap(invokeTensor('layer_norm', input, shape, weight, bias, eps))
}

const batchNormOptions = {
  weight: factors,
  bias: factors,
  /** Written to when training, read when not. */
  runningMean: factors,
  /** Written to when training, read when not. */
  runningVar: factors,
  /**
   * Normalize by the batch's own mean and variance.
   * @default false
   */
  training: optional(boolean, false),
  /**
   * The part of a batch's statistics in the running ones.
   * @default 0.1
   */
  momentum: optional(number(), 0.1),
  /**
   * Added to the variance.
   * @default 1e-5
   */
  eps: optional(number(), 1e-5),
}

export interface BatchNormOptions extends OptionsOf<typeof batchNormOptions> {}

/**
 * Mean 0 and variance 1 for each channel of `[n, c, …]`.
 *
 * @throws TorchPruneError `ERR_SHAPE` where a channel has one value to train on, which has no variance.
 */
export function batchNorm<D extends DType>(input: Tensor<D>, options?: BatchNormOptions): Tensor<D> {
  const read = readOptions('batchNorm', batchNormOptions, options)
  const { weight, bias, runningMean, runningVar, training, momentum, eps } = read
  tensorKind.read(input, 'batchNorm: input')
  const [samples = 1, , ...rest] = input.shape
  if (training && rest.reduce((product, size) => product * size, samples) === 1) {
    throw new TorchPruneError(
      'ERR_SHAPE',
      `batchNorm: a channel of [${input.shape.join(', ')}] has one value, and no variance to train on: give it more samples`,
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
  /** A row that gathers no gradient; negative ones count from the end. */
  paddingIndex: optional(whole()),
}

export interface EmbeddingOptions extends OptionsOf<typeof embeddingOptions> {}

/** The rows of `weight` `[entries, size]` that the int64 `indices` name: `[…, size]`. */
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
  // libtorch takes a negative one for none.
  const row = paddingIndex < 0 ? entries + paddingIndex : paddingIndex
  return Tensor.wrap(invokeTensor('embedding', weight, indices, row))
}
export * from './loss.js'
