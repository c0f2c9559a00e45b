import { type DType, dtypeKind } from '../base/dtype.js'
import { boolean } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { tensorKind } from './core.js'
import { deviceKind } from './device.js'
import { type Argument, invokeTensor } from './invoke.js'
import type { Shape } from './shape.js'
import { Tensor } from './tensor.js'

/** The options of `TensorOptions`, by name. */
export const tensorOptions = {
  /**
   * The device that the tensor is made on.
   * @default 'cpu'
   */
  device: optional(deviceKind),
  /**
   * Whether operators on the tensor are recorded for `backward()`.
   * @default false
   */
  requiresGrad: optional(boolean, false),
  /**
   * The element type.
   * @default float32; int64 for `randint` and `randperm`; that of the other tensor for functions that end in `Like`
   */
  dtype: optional(dtypeKind),
}

/** Options of the functions that make tensors. */
export interface TensorOptions<D extends DType> extends Omit<OptionsOf<typeof tensorOptions>, 'dtype'> {
  /**
   * The element type.
   * @default float32; int64 for `randint` and `randperm`; that of the other tensor for functions that end in `Like`
   */
  readonly dtype?: D | undefined
}

/** A tensor of zeros, float32 by default like that of most factories. Throws `ERR_MEMORY` if it does not fit. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('zeros', 'zeros', [shape], 'float32', options)
}

/** A tensor of ones, float32 by default. */
export function ones<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('ones', 'ones', [shape], 'float32', options)
}

/** A tensor in which every element is `value`, float32 by default. */
export function full<D extends DType = 'float32'>(
  shape: Shape,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('full', 'full', [shape, value], 'float32', options)
}

/** A tensor with uninitialized elements, float32 by default. */
export function empty<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('empty', 'empty.memory_format', [shape], 'float32', options)
}

/** A vector from `start` (default 0) up to but not including `end`: `arange(5)`, `arange(1, 2, 0.25)`. */
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

/** A vector of `steps` evenly spaced values from `start` to `end`, both included. */
export function linspace<D extends DType = 'float32'>(
  start: number,
  end: number,
  steps: number,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('linspace', 'linspace', [start, end, steps], 'float32', options)
}

/** A matrix `[rows, columns]` with ones on the diagonal and zeros elsewhere. It is square by default. */
export function eye<D extends DType = 'float32'>(
  rows: number,
  columns: number = rows,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('eye', 'eye.m', [rows, columns], 'float32', options)
}

/** Random values from the uniform distribution on [0, 1). */
export function rand<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('rand', 'rand', [shape], 'float32', options)
}

/** Random values from the normal distribution with mean 0 and standard deviation 1. */
export function randn<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return make('randn', 'randn', [shape], 'float32', options)
}

/** Random whole numbers from `low` up to but not including `high`; int64 by default. */
export function randint<D extends DType = 'int64'>(
  low: number,
  high: number,
  shape: Shape,
  options?: TensorOptions<D>,
): Tensor<D> {
  return make('randint', 'randint.low', [low, high, shape], 'int64', options)
}

/** The numbers from 0 to n − 1 in random order; int64 by default. */
export function randperm<D extends DType = 'int64'>(n: number, options?: TensorOptions<D>): Tensor<D> {
  return make('randperm', 'randperm', [n], 'int64', options)
}

/** Zeros with the shape of another tensor, and by default its dtype. Without `device`, they are on its device. */
export function zerosLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('zerosLike', 'zeros_like', like, [], options)
}

/** Ones like another tensor; see `zerosLike`. */
export function onesLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('onesLike', 'ones_like', like, [], options)
}

/** A tensor like another one in which every element is `value`; see `zerosLike`. */
export function fullLike<D extends DType>(
  like: Tensor<D>,
  value: number | bigint | boolean,
  options?: TensorOptions<D>,
): Tensor<D> {
  return makeLike('fullLike', 'full_like', like, [value], options)
}

/** A tensor with uninitialized elements like another one; see `zerosLike`. */
export function emptyLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('emptyLike', 'empty_like', like, [], options)
}

/** Uniform random values on [0, 1) like another tensor; see `zerosLike`. */
export function randLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('randLike', 'rand_like', like, [], options)
}

/** Random values from the standard normal distribution like another tensor; see `zerosLike`. */
export function randnLike<D extends DType>(like: Tensor<D>, options?: TensorOptions<D>): Tensor<D> {
  return makeLike('randnLike', 'randn_like', like, [], options)
}

/** Calls a factory. The schemas of all factories end alike: dtype, layout, device, pinned memory. */
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

/** Calls a factory that takes its dtype and device from another tensor. */
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
