import type { Device } from './device.js'
import type { DType } from './dtype.js'
import { type Argument, invokeTensor } from './invoke.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

export interface TensorOptions<D extends DType> {
  dtype?: D | undefined
  /** The CPU unless said otherwise. */
  device?: Device | undefined
  requiresGrad?: boolean | undefined
}

/** Zeros. Like all factories float32 unless `dtype` says otherwise; `ERR_MEMORY` where they do not fit. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('zeros', [shape], 'float32', options)
}

export function ones<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('ones', [shape], 'float32', options)
}

export function full<D extends DType = 'float32'>(
  shape: Shape,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('full', [shape, value], 'float32', options)
}

/** Whatever the memory held. */
export function empty<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('empty.memory_format', [shape], 'float32', options)
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
    ? make('arange.start_step', [first, second, step], 'float32', options)
    : make('arange.start_step', [0, first, step], 'float32', second)
}

/** `steps` values from `start` to `end`, both included. */
export function linspace<D extends DType = 'float32'>(
  start: number,
  end: number,
  steps: number,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('linspace', [start, end, steps], 'float32', options)
}

/** Ones on the diagonal of `[rows, columns]`, zeros elsewhere. */
export function eye<D extends DType = 'float32'>(
  rows: number,
  columns: number = rows,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('eye.m', [rows, columns], 'float32', options)
}

/** Uniform between 0 and 1. */
export function rand<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('rand', [shape], 'float32', options)
}

/** Normal with mean 0 and deviation 1. */
export function randn<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('randn', [shape], 'float32', options)
}

/** Whole numbers from `low` up to, but without, `high`; int64 unless `dtype` says otherwise. */
export function randint<D extends DType = 'int64'>(
  low: number,
  high: number,
  shape: Shape,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('randint.low', [low, high, shape], 'int64', options)
}

/** The numbers from 0 to n − 1 in random order; int64 unless `dtype` says otherwise. */
export function randperm<D extends DType = 'int64'>(n: number, options?: TensorOptions<D>): Tensor<D> {
  return make('randperm', [n], 'int64', options)
}

/** Zeros with the shape, and unless said otherwise the dtype and device, of another tensor. */
export function zerosLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return make('zeros_like', [like], like.dtype, options)
}

export function onesLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return make('ones_like', [like], like.dtype, options)
}

export function fullLike<D extends DType>(
  like: Tensor<D>,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('full_like', [like, value], like.dtype, options)
}

export function emptyLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return make('empty_like', [like], like.dtype, options)
}

export function randLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return make('rand_like', [like], like.dtype, options)
}

export function randnLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return make('randn_like', [like], like.dtype, options)
}

/** Every schema of a factory ends alike: dtype, layout, device, pinned memory. */
function make<D extends DType>(
  operator: string,
  values: readonly Argument[],
  fallback: DType,
  { dtype, device, requiresGrad = false }: TensorOptions<D> = {},
): Tensor<D> {
  const handle = invokeTensor(operator, ...values, dtype ?? fallback, undefined, device)
  const made = Tensor.wrap<D>(handle)
  return requiresGrad ? made.requiresGrad_() : made
}
