import { Comparison } from './comparison.js'
import type { DType } from './dtype.js'
import type { FloatDType } from './elements.js'
import type { Tensor } from './tensor.js'

/** One dimension or several; negative ones count from the end. */
export type Dims = number | readonly number[]

export interface KeepDim {
  /** Keep the reduced dimensions, with size 1. */
  keepdim?: boolean | undefined
}

/** What `max`, `topk` and their like find along a dimension, and where. */
export interface Found<D extends DType> {
  values: Tensor<D>
  indices: Tensor<'int64'>
}

/** The dtype of a sum: integers and booleans add up in int64. */
type Summed<D extends DType> = D extends FloatDType ? D : 'int64'

/** Operators that make fewer elements of many. Without `dim` they take all elements and give a scalar. */
export class Reduction<D extends DType> extends Comparison<D> {
  sum(dim?: Dims, { keepdim }: KeepDim = {}): Tensor<Summed<D>> {
    return dim === undefined ? this.apply('sum') : this.apply('sum.dim_IntList', dim, keepdim)
  }
  mean(dim?: Dims, { keepdim }: KeepDim = {}): Tensor<D> {
    return dim === undefined ? this.apply('mean') : this.apply('mean.dim', dim, keepdim)
  }
  /** The standard deviation; `correction` 1 (the default) divides by n − 1, 0 by n. */
  std(dim?: Dims, { correction, keepdim }: KeepDim & { correction?: number | undefined } = {}): Tensor<D> {
    return this.apply('std.correction', dim, correction, keepdim)
  }
  /** The variance, with the same `correction` as `std`. */
  var(dim?: Dims, { correction, keepdim }: KeepDim & { correction?: number | undefined } = {}): Tensor<D> {
    return this.apply('var.correction', dim, correction, keepdim)
  }
  prod(dim?: number, { keepdim }: KeepDim = {}): Tensor<Summed<D>> {
    return dim === undefined ? this.apply('prod') : this.apply('prod.dim_int', dim, keepdim)
  }
  /** The p-norm of the elements: 2, 1, 0 (their number), Infinity. */
  norm(p = 2, dim?: Dims, { keepdim }: KeepDim = {}): Tensor<D> {
    return this.apply('linalg_vector_norm', p, dim, keepdim)
  }
  /** `log(sum(exp(x)))` without overflow. */
  logsumexp(dim: Dims, { keepdim }: KeepDim = {}): Tensor<D> {
    return this.apply('logsumexp', dim, keepdim)
  }

  /** The largest values over `dim`; ties share the gradient. */
  amax(dim?: Dims, { keepdim }: KeepDim = {}): Tensor<D> {
    return this.apply('amax', dim, keepdim)
  }
  /** The smallest values over `dim`; ties share the gradient. */
  amin(dim?: Dims, { keepdim }: KeepDim = {}): Tensor<D> {
    return this.apply('amin', dim, keepdim)
  }
  max(): Tensor<D>
  max(dim: number, options?: KeepDim): Found<D>
  max(dim?: number, { keepdim }: KeepDim = {}): Tensor<D> | Found<D> {
    return dim === undefined ? this.apply('max') : this.#find('max.dim', dim, keepdim)
  }
  min(): Tensor<D>
  min(dim: number, options?: KeepDim): Found<D>
  min(dim?: number, { keepdim }: KeepDim = {}): Tensor<D> | Found<D> {
    return dim === undefined ? this.apply('min') : this.#find('min.dim', dim, keepdim)
  }
  /** The middle element, the lower of two. */
  median(): Tensor<D>
  median(dim: number, options?: KeepDim): Found<D>
  median(dim?: number, { keepdim }: KeepDim = {}): Tensor<D> | Found<D> {
    return dim === undefined ? this.apply('median') : this.#find('median.dim', dim, keepdim)
  }
  argmax(dim?: number, { keepdim }: KeepDim = {}): Tensor<'int64'> {
    return this.apply('argmax', dim, keepdim)
  }
  argmin(dim?: number, { keepdim }: KeepDim = {}): Tensor<'int64'> {
    return this.apply('argmin', dim, keepdim)
  }
  /** The `k` largest along `dim`, or the smallest. */
  topk(
    k: number,
    { dim, largest }: { dim?: number | undefined; largest?: boolean | undefined } = {},
  ): Found<D> {
    return this.#find('topk', k, dim, largest)
  }
  /** The `k`-th smallest along `dim`, counted from 1. */
  kthvalue(k: number, dim?: number, { keepdim }: KeepDim = {}): Found<D> {
    return this.#find('kthvalue', k, dim, keepdim)
  }
  sort(dim?: number, { descending }: { descending?: boolean | undefined } = {}): Found<D> {
    return this.#find('sort', dim, descending)
  }
  argsort(dim?: number, { descending }: { descending?: boolean | undefined } = {}): Tensor<'int64'> {
    return this.apply('argsort', dim, descending)
  }
  /** The value below which the fraction `q` of the elements lies, interpolated. */
  quantile(q: number, dim?: number, { keepdim }: KeepDim = {}): Tensor<D> {
    return this.apply('quantile.scalar', q, dim, keepdim)
  }

  all(dim?: number, { keepdim }: KeepDim = {}): Tensor<'bool'> {
    return dim === undefined ? this.apply('all') : this.apply('all.dim', dim, keepdim)
  }
  any(dim?: number, { keepdim }: KeepDim = {}): Tensor<'bool'> {
    return dim === undefined ? this.apply('any') : this.apply('any.dim', dim, keepdim)
  }
  countNonzero(dim?: Dims): Tensor<'int64'> {
    return dim === undefined
      ? this.apply('count_nonzero')
      : this.apply('count_nonzero.dim_IntList', typeof dim === 'number' ? [dim] : dim)
  }
  cumsum(dim: number): Tensor<Summed<D>> {
    return this.apply('cumsum', dim)
  }
  cumprod(dim: number): Tensor<Summed<D>> {
    return this.apply('cumprod', dim)
  }

  #find(operator: string, ...values: (number | boolean | undefined)[]): Found<D> {
    const [first, second] = this.applyMany(operator, ...values)
    return { values: first as Tensor<D>, indices: second as Tensor<'int64'> }
  }
}
