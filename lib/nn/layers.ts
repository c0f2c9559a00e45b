import { type OptionsOf, type ReadOf, readOptions } from '../base/option.js'
import type { Pair, Size2 } from './layer_options.js'
import * as tables from './layer_options.js'
import { checkGroups } from './layer_options.js'

export type { Size2 } from './layer_options.js'

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
 * The names that something carries: those that are known where it is written, as of the layers of a network around
 * it, or else those that it was given.
 */
export type Carried<Given extends string, Known extends string> = string extends Known
  ? NoInfer<Given>
  : Known

/** Says which layer this one reads, where that is not the one before it. */
export interface From<F extends string> {
  readonly from?: F
}

export interface LinearOptions extends OptionsOf<typeof tables.linear.options> {}
export interface Conv2dOptions extends OptionsOf<typeof tables.conv2d.options> {}
export interface BatchNorm2dOptions extends OptionsOf<typeof tables.batchNorm2d.options> {}
export interface MaxPool2dOptions extends OptionsOf<typeof tables.maxPool2d.options> {}
export interface AvgPool2dOptions extends OptionsOf<typeof tables.avgPool2d.options> {}
export interface LocalResponseNormOptions extends OptionsOf<typeof tables.localResponseNorm.options> {}

/**
 * A fully connected layer, `[N, inFeatures]` to `[N, outFeatures]`.
 * Parameters: `weight [outFeatures, inFeatures]`, `bias [outFeatures]`.
 */
export function linear<const F extends Source = never, Source extends string = string>(
  inFeatures: number,
  outFeatures: number,
  options?: From<F> & LinearOptions,
): LinearLayer<Carried<F, Source>> {
  return described('linear', tables.linear, { inFeatures, outFeatures }, options)
}

/**
 * A convolution, `[N, inChannels, H, W]` to `[N, outChannels, H', W']`.
 * Parameters: `weight [outChannels, inChannels / groups, kH, kW]`, `bias [outChannels]`.
 */
export function conv2d<const F extends Source = never, Source extends string = string>(
  inChannels: number,
  outChannels: number,
  kernelSize: Size2,
  options?: From<F> & Conv2dOptions,
): Conv2dLayer<Carried<F, Source>> {
  const layer = described('conv2d', tables.conv2d, { inChannels, outChannels, kernelSize }, options)
  checkGroups(layer, 'conv2d')
  return layer
}

/** Batch normalisation over channels, `[N, features, H, W]`; PyTorch's defaults. */
export function batchNorm2d<const F extends Source = never, Source extends string = string>(
  features: number,
  options?: From<F> & BatchNorm2dOptions,
): BatchNorm2dLayer<Carried<F, Source>> {
  return described('batchNorm2d', tables.batchNorm2d, { features }, options)
}

export function relu<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): ReluLayer<Carried<F, Source>> {
  return described('relu', tables.plain, {}, options)
}

/** Maximum over windows; `stride` defaults to the window's size. */
export function maxPool2d<const F extends Source = never, Source extends string = string>(
  kernelSize: Size2,
  options?: From<F> & MaxPool2dOptions,
): MaxPool2dLayer<Carried<F, Source>> {
  return pooling(described('maxPool2d', tables.maxPool2d, { kernelSize }, options))
}

/** Mean over windows; `stride` defaults to the window's size. */
export function avgPool2d<const F extends Source = never, Source extends string = string>(
  kernelSize: Size2,
  options?: From<F> & AvgPool2dOptions,
): AvgPool2dLayer<Carried<F, Source>> {
  return pooling(described('avgPool2d', tables.avgPool2d, { kernelSize }, options))
}

/** Mean over as many windows as give the output size. */
export function adaptiveAvgPool2d<const F extends Source = never, Source extends string = string>(
  outputSize: Size2,
  options?: From<F>,
): AdaptiveAvgPool2dLayer<Carried<F, Source>> {
  return described('adaptiveAvgPool2d', tables.adaptiveAvgPool2d, { outputSize }, options)
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
  return described('localResponseNorm', tables.localResponseNorm, { size }, options)
}

/** `[N, ...]` to `[N, product]`. */
export function flatten<const F extends Source = never, Source extends string = string>(
  options?: From<F>,
): FlattenLayer<Carried<F, Source>> {
  return described('flatten', tables.plain, {}, options)
}

/** Zeroes a share `p` of its inputs while training, and scales the rest by `1 / (1 - p)`. */
export function dropout<const F extends Source = never, Source extends string = string>(
  p = 0.5,
  options?: From<F>,
): DropoutLayer<Carried<F, Source>> {
  return described('dropout', tables.dropout, { p }, options)
}

/** The sum of layers of one shape: how a residual block ends. */
export function add<const F extends Source, Source extends string = string>(
  ...from: readonly [F, F, ...F[]]
): AddLayer<Carried<F, Source>> {
  return { kind: 'add', ...readOptions('add', tables.add, { from }) } as AddLayer<F>
}

function described<K extends LayerKind, T extends tables.LayerTables>(
  kind: K,
  { of, options }: T,
  values: Readonly<Record<keyof T['of'], unknown>>,
  given: object | undefined,
): { readonly kind: K } & ReadOf<T['of']> & ReadOf<T['options']> {
  return {
    kind,
    ...readOptions<T['of']>(kind, of, values),
    ...readOptions<T['options']>(kind, { ...options, ...tables.from }, given),
  }
}

/** A pooling layer whose windows lie side by side unless its stride says otherwise. */
function pooling<
  K extends string,
  L extends { readonly kernelSize: Pair; readonly stride: Pair | undefined },
>(layer: L & { readonly kind: K }) {
  const { kind, kernelSize, stride = kernelSize, ...rest } = layer
  return { kind, kernelSize, stride, ...rest }
}
