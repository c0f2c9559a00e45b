import type { DType } from '../base/dtype.js'
import type { Scalar } from './invoke.js'
import { overload } from './pointwise.js'
import { type Dims, Reduction } from './reduction.js'
import type { Tensor } from './tensor.js'

/** Sizes, one a dimension. */
export type Shape = readonly number[]

/**
 * Operators that arrange and choose elements. Like PyTorch's they return views where they can: a view shares
 * its memory, so writing into one writes into the other. `clone()` makes a copy.
 */
export class Shaped<D extends DType> extends Reduction<D> {
  /** The same elements in another shape; one size may be −1, to be worked out. */
  reshape(shape: Shape): Tensor<D> {
    return this.apply('reshape', shape)
  }
  /** `reshape` that fails where it would have to copy. */
  view(shape: Shape): Tensor<D> {
    return this.apply('view', shape)
  }
  /** Makes one dimension of those from `start` to `end`, both included. */
  flatten(start = 0, end = -1): Tensor<D> {
    return this.apply('flatten.using_ints', start, end)
  }
  /** The dimensions in another order. */
  permute(dims: readonly number[]): Tensor<D> {
    return this.apply('permute', dims)
  }
  transpose(dim0: number, dim1: number): Tensor<D> {
    return this.apply('transpose.int', dim0, dim1)
  }
  /** The transpose of a matrix. */
  t(): Tensor<D> {
    return this.apply('t')
  }
  /** Without the dimensions of size 1, or without `dim` where that is one. */
  squeeze(dim?: Dims): Tensor<D> {
    return dim === undefined
      ? this.apply('squeeze')
      : this.apply('squeeze.dims', typeof dim === 'number' ? [dim] : dim)
  }
  /** With a dimension of size 1 inserted at `dim`. */
  unsqueeze(dim: number): Tensor<D> {
    return this.apply('unsqueeze', dim)
  }
  /** A view in which dimensions of size 1 repeat to the given size; −1 leaves a size as it is. */
  expand(shape: Shape): Tensor<D> {
    return this.apply('expand', shape)
  }
  /** Copies it `repeats[i]` times along dimension i. */
  repeat(repeats: readonly number[]): Tensor<D> {
    return this.apply('repeat', repeats)
  }
  flip(dims: readonly number[]): Tensor<D> {
    return this.apply('flip', dims)
  }
  /** Shifts elements along `dim`; what falls out comes in at the other end. */
  roll(shift: number, dim: number): Tensor<D> {
    return this.apply('roll', [shift], [dim])
  }
  /** Adds borders, `[left, right, top, bottom, …]` from the last dimension on. */
  pad(borders: readonly number[], value = 0): Tensor<D> {
    return this.apply('pad', borders, 'constant', value)
  }
  /** Itself where its elements lie in row-major order, else such a copy. */
  contiguous(): Tensor<D> {
    return this.apply('contiguous')
  }
  /** A copy that gradients flow through. */
  clone(): Tensor<D> {
    return this.apply('clone')
  }

  /** `length` slices of `dim`, from `start` on. */
  narrow(dim: number, start: number, length: number): Tensor<D> {
    return this.apply('narrow', dim, start, length)
  }
  /** The slices of `dim` from `start` up to `end`, which may be negative, every `step`. */
  slice(dim: number, start?: number, end?: number, step?: number): Tensor<D> {
    return this.apply('slice.Tensor', dim, start, end, step)
  }
  /** One slice of `dim`, which goes. */
  select(dim: number, index: number): Tensor<D> {
    return this.apply('select.int', dim, index)
  }
  /** The slices of `dim` that the int64 vector `index` names. */
  indexSelect(dim: number, index: Tensor): Tensor<D> {
    return this.apply('index_select', dim, index)
  }
  /** `out[i][j] = this[index[i][j]][j]` for `dim` 0, and so on. */
  gather(dim: number, index: Tensor): Tensor<D> {
    return this.apply('gather', dim, index)
  }
  /** The elements where `mask` is true, as a vector. */
  maskedSelect(mask: Tensor<'bool'>): Tensor<D> {
    return this.apply('masked_select', mask)
  }
  /** `value` where `mask` is true. */
  maskedFill(mask: Tensor<'bool'>, value: Scalar | Tensor): Tensor<D> {
    return this.apply(`masked_fill.${overload(value)}`, mask, value)
  }
  maskedFill_(mask: Tensor<'bool'>, value: Scalar | Tensor): this {
    return this.applyInPlace(`masked_fill_.${overload(value)}`, mask, value)
  }
  /** `this[index[i][j]][j] = source[i][j]` for `dim` 0, and so on. */
  scatter_(dim: number, index: Tensor, source: Scalar | Tensor): this {
    return this.applyInPlace(
      `scatter_.${overload(source) === 'Tensor' ? 'src' : 'value'}`,
      dim,
      index,
      source,
    )
  }
  /** Adds `source`'s slices to the slices of `dim` that `index` names. */
  indexAdd_(dim: number, index: Tensor, source: Tensor): this {
    return this.applyInPlace('index_add_', dim, index, source)
  }
  /** The positions of the elements that are not zero, one a row. */
  nonzero(): Tensor<'int64'> {
    return this.apply('nonzero')
  }
  /** The lower triangle, zero elsewhere. */
  tril(diagonal = 0): Tensor<D> {
    return this.apply('tril', diagonal)
  }
  /** The upper triangle, zero elsewhere. */
  triu(diagonal = 0): Tensor<D> {
    return this.apply('triu', diagonal)
  }

  /** Pieces of `sizes` along `dim`; one number: of that size, the last one smaller. */
  split(sizes: number | readonly number[], dim = 0): Tensor<D>[] {
    return typeof sizes === 'number'
      ? this.applyMany('split.Tensor', sizes, dim)
      : this.applyMany('split_with_sizes', sizes, dim)
  }
  /** At most `count` pieces of one size along `dim`. */
  chunk(count: number, dim = 0): Tensor<D>[] {
    return this.applyMany('chunk', count, dim)
  }
  /** The slices of `dim`, each without it. */
  unbind(dim = 0): Tensor<D>[] {
    return this.applyMany('unbind.int', dim)
  }
}
