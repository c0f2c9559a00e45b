import { TorchPruneError } from '../errors.js'
import type { DType } from './dtype.js'
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

export interface ConvOptions {
  stride?: Pair | undefined
  /** Zeros around the image: a number, a pair, or 'same' or 'valid'. */
  padding?: Pair | 'same' | 'valid' | undefined
  dilation?: Pair | undefined
  groups?: number | undefined
}

/** `[n, in, h, w]` with weights `[out, in / groups, kh, kw]` and bias `[out]` gives `[n, out, h', w']`. */
export function conv2d<D extends DType>(
  input: Tensor<D>,
  weight: Tensor<D>,
  bias?: Tensor<D> | undefined,
  { stride, padding, dilation, groups }: ConvOptions = {},
): Tensor<D> {
  const operator = typeof padding === 'string' ? 'conv2d.padding' : 'conv2d'
  return Tensor.wrap(invokeTensor(operator, input, weight, bias, stride, padding, dilation, groups))
}

export interface PoolOptions {
  /** The kernel's size unless given. */
  stride?: Pair | undefined
  padding?: Pair | undefined
  /** Round output sizes up. */
  ceilMode?: boolean | undefined
}

/** The largest value of each window of `[n, c, h, w]`. */
export function maxPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  { stride, padding, dilation, ceilMode }: PoolOptions & { dilation?: Pair | undefined } = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('max_pool2d', input, kernel, stride, padding, dilation, ceilMode))
}

/** The mean of each window of `[n, c, h, w]`; the border counts unless `countIncludePad` is false. */
export function avgPool2d<D extends DType>(
  input: Tensor<D>,
  kernel: Pair,
  {
    stride,
    padding,
    ceilMode,
    countIncludePad,
  }: PoolOptions & { countIncludePad?: boolean | undefined } = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('avg_pool2d', input, kernel, stride, padding, ceilMode, countIncludePad))
}

/** Means over windows chosen so that the output is `size`. */
export function adaptiveAvgPool2d<D extends DType>(input: Tensor<D>, size: Pair): Tensor<D> {
  return Tensor.wrap(invokeTensor('adaptive_avg_pool2d', input, size))
}

/** Zeroes elements with probability `p` and scales the others by `1 / (1 − p)`; nothing unless training. */
export function dropout<D extends DType>(
  input: Tensor<D>,
  { p = 0.5, training = true }: { p?: number | undefined; training?: boolean | undefined } = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('dropout', input, p, training))
}

export interface LayerNormOptions<D extends DType> {
  weight?: Tensor<D> | undefined
  bias?: Tensor<D> | undefined
  eps?: number | undefined
}

/** Mean 0 and variance 1 over the last dimensions, those of `shape`. */
export function layerNorm<D extends DType>(
  input: Tensor<D>,
  shape: Shape,
  { weight, bias, eps }: LayerNormOptions<D> = {},
): Tensor<D> {
  return Tensor.wrap(invokeTensor('layer_norm', input, shape, weight, bias, eps))
}

export interface BatchNormOptions extends LayerNormOptions<DType> {
  /** Written to when training, read when not. */
  runningMean?: Tensor | undefined
  runningVar?: Tensor | undefined
  /** Normalise by the batch's own mean and variance. */
  training?: boolean | undefined
  /** The part of a batch's statistics in the running ones. */
  momentum?: number | undefined
}

/**
 * Mean 0 and variance 1 for each channel of `[n, c, …]`.
 *
 * @throws TorchPruneError `ERR_SHAPE` where a channel has one value to train on, which has no variance.
 */
export function batchNorm<D extends DType>(
  input: Tensor<D>,
  {
    weight,
    bias,
    runningMean,
    runningVar,
    training = false,
    momentum = 0.1,
    eps = 1e-5,
  }: BatchNormOptions = {},
): Tensor<D> {
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

export interface EmbeddingOptions {
  /** A row that gathers no gradient; negative ones count from the end. */
  paddingIndex?: number | undefined
}

/** The rows of `weight` `[entries, size]` that the int64 `indices` name: `[…, size]`. */
export function embedding<D extends DType>(
  weight: Tensor<D>,
  indices: Tensor<'int64' | 'int32'>,
  { paddingIndex }: EmbeddingOptions = {},
): Tensor<D> {
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
