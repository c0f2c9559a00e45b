import type { DType } from '../base/dtype.js'
import { boolean, number, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { Comparison } from './comparison.js'
import type { FloatDType } from './elements.js'
import type { Tensor } from './tensor.js'

/** One dimension or several; negative ones count from the end. */
export type Dims = number | readonly number[]

const keepDim = {
  /**
   * Whether to keep the reduced dimensions, with size 1.
   * @default false
   */
  keepdim: optional(boolean),
}
/**
 * What is subtracted from n in the divisor: 1 divides by n − 1, 0 by n.
 * @default 1
 */
const corrected = { ...keepDim, correction: optional(number()) }
const topkOptions = {
  /**
   * The dimension to search.
   * @default -1
   */
  dim: optional(whole()),
  /**
   * Whether to find the largest elements; false finds the smallest.
   * @default true
   */
  largest: optional(boolean),
}
const sortOptions = {
  /**
   * Whether to sort from large to small.
   * @default false
   */
  descending: optional(boolean),
}

/** Options of reductions. */
export interface KeepDim extends OptionsOf<typeof keepDim> {}

/** The values that `max`, `topk` and similar operators find along a dimension, and their positions. */
export interface Found<D extends DType> {
  /** The values that were found. */
  values: Tensor<D>
  /** Their positions along the dimension. */
  indices: Tensor<'int64'>
}

/** The dtype of a sum: integers and booleans are summed in int64. */
type Summed<D extends DType> = D extends FloatDType ? D : 'int64'

/** Operators that reduce many elements to fewer. Without `dim`, they reduce all elements to a scalar. */
export class Reduction<D extends DType> extends Comparison<D> {
  /** The sum of the elements; integers and booleans are summed in int64. */
  sum(dim?: Dims, options?: KeepDim): Tensor<Summed<D>> {
    const { keepdim } = readOptions('sum', keepDim, options)
    return dim === undefined ? this.apply('sum') : this.apply('sum.dim_IntList', dim, keepdim)
  }
  /** The mean of the elements, which are floating-point. */
  mean(dim?: Dims, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('mean', keepDim, options)
    return dim === undefined ? this.apply('mean') : this.apply('mean.dim', dim, keepdim)
  }
  /** The standard deviation; a `correction` of 1 (the default) divides by n − 1, and 0 by n. */
  std(dim?: Dims, options?: OptionsOf<typeof corrected>): Tensor<D> {
    const { correction, keepdim } = readOptions('std', corrected, options)
    return this.apply('std.correction', dim, correction, keepdim)
  }
  /** The variance, with the same `correction` as `std`. */
  var(dim?: Dims, options?: OptionsOf<typeof corrected>): Tensor<D> {
    const { correction, keepdim } = readOptions('var', corrected, options)
    return this.apply('var.correction', dim, correction, keepdim)
  }
  /** The product of the elements; integers and booleans are multiplied in int64. */
  prod(dim?: number, options?: KeepDim): Tensor<Summed<D>> {
    const { keepdim } = readOptions('prod', keepDim, options)
    return dim === undefined ? this.apply('prod') : this.apply('prod.dim_int', dim, keepdim)
  }
  /** The p-norm of the elements: 2 (the default), 1, 0 (the number of non-zero elements), or Infinity. */
  norm(p = 2, dim?: Dims, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('norm', keepDim, options)
    return this.apply('linalg_vector_norm', p, dim, keepdim)
  }
  /** `log(sum(exp(x)))`, computed without overflow. */
  logsumexp(dim: Dims, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('logsumexp', keepDim, options)
    return this.apply('logsumexp', dim, keepdim)
  }

  /** The largest values over `dim`; ties share the gradient. */
  amax(dim?: Dims, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('amax', keepDim, options)
    return this.apply('amax', dim, keepdim)
  }
  /** The smallest values over `dim`; ties share the gradient. */
  amin(dim?: Dims, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('amin', keepDim, options)
    return this.apply('amin', dim, keepdim)
  }
  /** The largest element; with `dim`, the largest along it and their positions. */
  max(): Tensor<D>
  max(dim: number, options?: KeepDim): Found<D>
  max(dim?: number, options?: KeepDim): Tensor<D> | Found<D> {
    const { keepdim } = readOptions('max', keepDim, options)
    return dim === undefined ? this.apply('max') : this.#find('max.dim', dim, keepdim)
  }
  /** The smallest element; with `dim`, the smallest along it and their positions. */
  min(): Tensor<D>
  min(dim: number, options?: KeepDim): Found<D>
  min(dim?: number, options?: KeepDim): Tensor<D> | Found<D> {
    const { keepdim } = readOptions('min', keepDim, options)
    return dim === undefined ? this.apply('min') : this.#find('min.dim', dim, keepdim)
  }
  /** The middle element, or the lower of the two middle ones; with `dim`, those along it and their positions. */
  median(): Tensor<D>
  median(dim: number, options?: KeepDim): Found<D>
  median(dim?: number, options?: KeepDim): Tensor<D> | Found<D> {
    const { keepdim } = readOptions('median', keepDim, options)
    return dim === undefined ? this.apply('median') : this.#find('median.dim', dim, keepdim)
  }
  /** The position of the largest element; without `dim`, in the flattened tensor. */
  argmax(dim?: number, options?: KeepDim): Tensor<'int64'> {
    const { keepdim } = readOptions('argmax', keepDim, options)
    return this.apply('argmax', dim, keepdim)
  }
  /** The position of the smallest element; without `dim`, in the flattened tensor. */
  argmin(dim?: number, options?: KeepDim): Tensor<'int64'> {
    const { keepdim } = readOptions('argmin', keepDim, options)
    return this.apply('argmin', dim, keepdim)
  }
  /** The `k` largest elements along `dim`, or the `k` smallest. */
  topk(k: number, options?: OptionsOf<typeof topkOptions>): Found<D> {
    const { dim, largest } = readOptions('topk', topkOptions, options)
    return this.#find('topk', k, dim, largest)
  }
  /** The `k`-th smallest element along `dim` (default: the last), counting from 1. */
  kthvalue(k: number, dim?: number, options?: KeepDim): Found<D> {
    const { keepdim } = readOptions('kthvalue', keepDim, options)
    return this.#find('kthvalue', k, dim, keepdim)
  }
  /** The elements sorted along `dim` (default: the last), and where they were. */
  sort(dim?: number, options?: OptionsOf<typeof sortOptions>): Found<D> {
    const { descending } = readOptions('sort', sortOptions, options)
    return this.#find('sort', dim, descending)
  }
  /** The positions of the sorted elements along `dim` (default: the last). */
  argsort(dim?: number, options?: OptionsOf<typeof sortOptions>): Tensor<'int64'> {
    const { descending } = readOptions('argsort', sortOptions, options)
    return this.apply('argsort', dim, descending)
  }
  /** The value below which the fraction `q` (0 to 1) of the elements lies, interpolated linearly. */
  quantile(q: number, dim?: number, options?: KeepDim): Tensor<D> {
    const { keepdim } = readOptions('quantile', keepDim, options)
    return this.apply('quantile.scalar', q, dim, keepdim)
  }

  /** Whether all elements are non-zero. */
  all(dim?: number, options?: KeepDim): Tensor<'bool'> {
    const { keepdim } = readOptions('all', keepDim, options)
    return dim === undefined ? this.apply('all') : this.apply('all.dim', dim, keepdim)
  }
  /** Whether any element is non-zero. */
  any(dim?: number, options?: KeepDim): Tensor<'bool'> {
    const { keepdim } = readOptions('any', keepDim, options)
    return dim === undefined ? this.apply('any') : this.apply('any.dim', dim, keepdim)
  }
  /** The number of non-zero elements. */
  countNonzero(dim?: Dims): Tensor<'int64'> {
    return dim === undefined
      ? this.apply('count_nonzero')
      : this.apply('count_nonzero.dim_IntList', typeof dim === 'number' ? [dim] : dim)
  }
  /** Cumulative sums along `dim`. */
  cumsum(dim: number): Tensor<Summed<D>> {
    return this.apply('cumsum', dim)
  }
  /** Cumulative products along `dim`. */
  cumprod(dim: number): Tensor<Summed<D>> {
    return this.apply('cumprod', dim)
  }

  #find(operator: string, ...values: (number | boolean | undefined)[]): Found<D> {
    const [first, second] = this.applyMany(operator, ...values)
    return { values: first as Tensor<D>, indices: second as Tensor<'int64'> }
  }
}
