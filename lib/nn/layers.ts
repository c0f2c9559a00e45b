import { TorchPruneError } from '../errors.js'

/** Height and width, or one number for both. */
export type Size2 = number | readonly [height: number, width: number]
type Pair = readonly [number, number]

/** Where a layer reads from: the layer before it unless it says otherwise; `'input'` is the network's input. */
interface Reads<From extends string> {
  readonly from?: From | readonly From[]
}

export interface LinearLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'linear'
  readonly inFeatures: number
  readonly outFeatures: number
  readonly bias: boolean
}
export interface Conv2dLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'conv2d'
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Pair
  readonly dilation: Pair
  readonly groups: number
  readonly bias: boolean
}
export interface BatchNorm2dLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'batchNorm2d'
  readonly features: number
  readonly eps: number
  readonly momentum: number
}
export interface ReluLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'relu'
}
export interface MaxPool2dLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'maxPool2d'
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Pair
  readonly ceilMode: boolean
}
export interface AvgPool2dLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'avgPool2d'
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Pair
}
export interface AdaptiveAvgPool2dLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'adaptiveAvgPool2d'
  readonly outputSize: Pair
}
/** See {@link localResponseNorm}. */
export interface LocalResponseNormLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'localResponseNorm'
  readonly size: number
  readonly alpha: number
  readonly beta: number
  readonly k: number
}
export interface FlattenLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'flatten'
}
export interface DropoutLayer<From extends string = string> extends Reads<From> {
  readonly kind: 'dropout'
  readonly p: number
}
export interface AddLayer<From extends string = string> {
  readonly kind: 'add'
  readonly from: readonly From[]
}

/** A layer, described. Plain data: it can be written as JSON, compared, and sent to another process. */
export type Layer<From extends string = string> =
  | LinearLayer<From>
  | Conv2dLayer<From>
  | BatchNorm2dLayer<From>
  | ReluLayer<From>
  | MaxPool2dLayer<From>
  | AvgPool2dLayer<From>
  | AdaptiveAvgPool2dLayer<From>
  | LocalResponseNormLayer<From>
  | FlattenLayer<From>
  | DropoutLayer<From>
  | AddLayer<From>

export type LayerKind = Layer['kind']
/** Kinds whose weights are connections, and can be pruned. */
export type PrunableKind = 'linear' | 'conv2d'

/**
 * Says which layer this one reads, where that is not the one before it. The layers below are `<NoInfer<F>>`: their
 * `F` comes from this option alone, while the place where a layer is used would widen it to `string`.
 */
export interface From<F extends string> {
  readonly from?: F
}

/**
 * A fully connected layer, `[N, inFeatures]` to `[N, outFeatures]`.
 * Parameters: `weight [outFeatures, inFeatures]`, `bias [outFeatures]`.
 */
export function linear<const F extends string = never>(
  inFeatures: number,
  outFeatures: number,
  options: From<F> & { readonly bias?: boolean } = {},
): LinearLayer<NoInfer<F>> {
  const { bias = true, ...from } = options
  return {
    kind: 'linear',
    inFeatures: count('inFeatures', inFeatures),
    outFeatures: count('outFeatures', outFeatures),
    bias,
    ...from,
  }
}

export interface Conv2dOptions {
  readonly stride?: Size2
  readonly padding?: Size2
  readonly dilation?: Size2
  /** Channels are split into this many groups that do not see each other. */
  readonly groups?: number
  readonly bias?: boolean
}

/**
 * A convolution, `[N, inChannels, H, W]` to `[N, outChannels, H', W']`.
 * Parameters: `weight [outChannels, inChannels / groups, kH, kW]`, `bias [outChannels]`.
 */
export function conv2d<const F extends string = never>(
  inChannels: number,
  outChannels: number,
  kernelSize: Size2,
  options: From<F> & Conv2dOptions = {},
): Conv2dLayer<NoInfer<F>> {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, ...from } = options
  count('groups', groups)
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `conv2d: ${groups} groups divide neither evenly: ${inChannels} channels in, ${outChannels} out`,
    )
  }
  return {
    kind: 'conv2d',
    inChannels: count('inChannels', inChannels),
    outChannels: count('outChannels', outChannels),
    kernelSize: pair('kernelSize', kernelSize, 1),
    stride: pair('stride', stride, 1),
    padding: pair('padding', padding, 0),
    dilation: pair('dilation', dilation, 1),
    groups,
    bias,
    ...from,
  }
}

/** Batch normalisation over channels, `[N, features, H, W]`; PyTorch's defaults. */
export function batchNorm2d<const F extends string = never>(
  features: number,
  options: From<F> & { readonly eps?: number; readonly momentum?: number } = {},
): BatchNorm2dLayer<NoInfer<F>> {
  const { eps = 1e-5, momentum = 0.1, ...from } = options
  return { kind: 'batchNorm2d', features: count('features', features), eps, momentum, ...from }
}

export function relu<const F extends string = never>(options: From<F> = {}): ReluLayer<NoInfer<F>> {
  return { kind: 'relu', ...options }
}

/** Maximum over windows; `stride` is the window's size unless given. */
export function maxPool2d<const F extends string = never>(
  kernelSize: Size2,
  options: From<F> & {
    readonly stride?: Size2
    readonly padding?: Size2
    readonly ceilMode?: boolean
  } = {},
): MaxPool2dLayer<NoInfer<F>> {
  const { stride = kernelSize, padding = 0, ceilMode = false, ...from } = options
  return { kind: 'maxPool2d', ...window(kernelSize, stride, padding), ceilMode, ...from }
}

/** Mean over windows; `stride` is the window's size unless given. */
export function avgPool2d<const F extends string = never>(
  kernelSize: Size2,
  options: From<F> & { readonly stride?: Size2; readonly padding?: Size2 } = {},
): AvgPool2dLayer<NoInfer<F>> {
  const { stride = kernelSize, padding = 0, ...from } = options
  return { kind: 'avgPool2d', ...window(kernelSize, stride, padding), ...from }
}

/** Mean over as many windows as give the output size. */
export function adaptiveAvgPool2d<const F extends string = never>(
  outputSize: Size2,
  options: From<F> = {},
): AdaptiveAvgPool2dLayer<NoInfer<F>> {
  return { kind: 'adaptiveAvgPool2d', outputSize: pair('outputSize', outputSize, 1), ...options }
}

/**
 * Divides each value by `(k + alpha · mean of squares over size channels around its own) ^ beta`, channels outside
 * counting as 0 (Krizhevsky et al. 2012, section 3.3, with `alpha / size` for their alpha). PyTorch's definition and
 * defaults, which are Caffe's too.
 */
export function localResponseNorm<const F extends string = never>(
  size: number,
  options: From<F> & { readonly alpha?: number; readonly beta?: number; readonly k?: number } = {},
): LocalResponseNormLayer<NoInfer<F>> {
  const { alpha = 1e-4, beta = 0.75, k = 1, ...from } = options
  return { kind: 'localResponseNorm', size: count('size', size), alpha, beta, k, ...from }
}

/** `[N, ...]` to `[N, product]`. */
export function flatten<const F extends string = never>(options: From<F> = {}): FlattenLayer<NoInfer<F>> {
  return { kind: 'flatten', ...options }
}

/** Zeroes a share `p` of its inputs while training, and scales the rest by `1 / (1 - p)`. */
export function dropout<const F extends string = never>(
  p = 0.5,
  options: From<F> = {},
): DropoutLayer<NoInfer<F>> {
  if (!(p >= 0 && p <= 1)) {
    throw new TorchPruneError('ERR_ARGUMENT', `dropout: p must be in 0..1, got ${p}`)
  }
  return { kind: 'dropout', p, ...options }
}

/** The sum of layers of one shape: how a residual block ends. */
export function add<const F extends string>(...from: readonly [F, F, ...F[]]): AddLayer<NoInfer<F>> {
  return { kind: 'add', from }
}

function window(kernelSize: Size2, stride: Size2, padding: Size2) {
  return {
    kernelSize: pair('kernelSize', kernelSize, 1),
    stride: pair('stride', stride, 1),
    padding: pair('padding', padding, 0),
  }
}

function count(what: string, value: number, least = 1): number {
  if (!Number.isInteger(value) || value < least) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${what} must be a whole number of ${least} or more, got ${value}`,
    )
  }
  return value
}

function pair(what: string, size: Size2, least: number): Pair {
  const [height, width] = typeof size === 'number' ? [size, size] : size
  return [count(what, height, least), count(what, width, least)]
}
