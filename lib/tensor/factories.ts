import { type DType, dtypeKind } from '../base/dtype.js'
import { boolean } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { tensorKind } from './core.js'
import { deviceKind } from './device.js'
import { type Argument, invokeTensor } from './invoke.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

export const tensorOptions = {
  /** @default 'cpu' */
  device: optional(deviceKind),
  /** @default false */
  requiresGrad: optional(boolean, false),
  dtype: optional(dtypeKind),
}

export interface TensorOptions<D extends DType> extends Omit<OptionsOf<typeof tensorOptions>, 'dtype'> {
  readonly dtype?: D | undefined
}

/** Zeros. Like all factories float32 unless `dtype` says otherwise; `ERR_MEMORY` where they do not fit. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('zeros', 'zeros', [shape], 'float32', options)
}

export function ones<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('ones', 'ones', [shape], 'float32', options)
}

export function full<D extends DType = 'float32'>(
  shape: Shape,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('full', 'full', [shape, value], 'float32', options)
}

/** Whatever the memory held. */
export function empty<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('empty', 'empty.memory_format', [shape], 'float32', options)
}

/** From `start` (0 unless given) up to, but without, `end`: `arange(5)`, `arange(1, 2, 0.25)`. */
export function arange<D extends DType = 'float32'>(end: number, options?: TensorOptions<D>): Tensor<D>
export function arange<D extends DType = 'float32'>(
  start: number,
  end: number,
  step?: number,
  options?: TensorOptions<D>,
): Tensor<D>
export function arange<D extends DType = 'float32'>(
  first: number,
  second?: number | TensorOptions<D>,
  step = 1,
  options?: TensorOptions<D>,
): Tensor<D> {
  return typeof second === 'number'
    ? make('arange', 'arange.start_step', [first, second, step], 'float32', options)
    : make('arange', 'arange.start_step', [0, first, step], 'float32', second)
}

/** `steps` values from `start` to `end`, both included. */
export function linspace<D extends DType = 'float32'>(
  start: number,
  end: number,
  steps: number,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('linspace', 'linspace', [start, end, steps], 'float32', options)
}

/** Ones on the diagonal of `[rows, columns]`, zeros elsewhere. */
export function eye<D extends DType = 'float32'>(
  rows: number,
  columns: number = rows,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('eye', 'eye.m', [rows, columns], 'float32', options)
}

/** Uniform between 0 and 1. */
export function rand<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('rand', 'rand', [shape], 'float32', options)
}

/** Normal with mean 0 and deviation 1. */
export function randn<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('randn', 'randn', [shape], 'float32', options)
}

/** Whole numbers from `low` up to, but without, `high`; int64 unless `dtype` says otherwise. */
export function randint<D extends DType = 'int64'>(
  low: number,
  high: number,
  shape: Shape,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('randint', 'randint.low', [low, high, shape], 'int64', options)
}

/** The numbers from 0 to n − 1 in random order; int64 unless `dtype` says otherwise. */
export function randperm<D extends DType = 'int64'>(n: number, options?: TensorOptions<D>): Tensor<D> {
  return make('randperm', 'randperm', [n], 'int64', options)
}

/** Zeros with the shape, and unless said otherwise the dtype and device, of another tensor. */
export function zerosLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('zerosLike', 'zeros_like', like, [], options)
}

export function onesLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('onesLike', 'ones_like', like, [], options)
}

export function fullLike<D extends DType>(
  like: Tensor<D>,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return makeLike('fullLike', 'full_like', like, [value], options)
}

export function emptyLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('emptyLike', 'empty_like', like, [], options)
}

export function randLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('randLike', 'rand_like', like, [], options)
}

export function randnLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('randnLike', 'randn_like', like, [], options)
}

/** Every schema of a factory ends alike: dtype, layout, device, pinned memory. */
function make<D extends DType>(
  name: string,
  operator: string,
  values: readonly Argument[],
  fallback: DType,
  options: TensorOptions<D> | undefined,
): Tensor<D> {
  const { dtype = fallback, device, requiresGrad } = readOptions(name, tensorOptions, options)
  const made = Tensor.wrap<D>(invokeTensor(operator, ...values, dtype, undefined, device))
  return requiresGrad ? made.requiresGrad_() : made
}

/** The same with the dtype and device of another tensor. */
function makeLike<D extends DType>(
  name: string,
  operator: string,
  like: Tensor<D>,
  values: readonly Argument[],
  options: TensorOptions<D> | undefined,
): Tensor<D> {
  const { dtype } = tensorKind.read(like, `${name}: like`)
  return make(name, operator, [like, ...values], dtype, options)
}
