import type { DType } from '../base/dtype.js'
import type { Scalar } from './invoke.js'
import { overload } from './pointwise.js'
import { type Dims, Reduction } from './reduction.js'
import type { Tensor } from './tensor.js'

/** The size of each dimension. */
export type Shape = readonly number[]

/**
 * Operators that arrange and select elements. Like PyTorch's, they return views where they can: a view shares its
 * memory with its source, so writing to one writes to the other. `clone()` makes a copy.
 */
export class Shaped<D extends DType> extends Reduction<D> {
  /** The same elements in another shape; one size may be −1, which is then inferred. */
  reshape(shape: Shape): Tensor<D> {
    return this.apply('reshape', shape)
  }
  /** Like `reshape`, but throws where it would have to copy. */
  view(shape: Shape): Tensor<D> {
    return this.apply('view', shape)
  }
  /** Merges the dimensions from `start` to `end`, both included, into one. */
  flatten(start = 0, end = -1): Tensor<D> {
    return this.apply('flatten.using_ints', start, end)
  }
  /** Puts the dimensions into another order. */
  permute(dims: readonly number[]): Tensor<D> {
    return this.apply('permute', dims)
  }
  /** Swaps two dimensions. */
  transpose(dim0: number, dim1: number): Tensor<D> {
    return this.apply('transpose.int', dim0, dim1)
  }
  /** The transpose of a matrix. */
  t(): Tensor<D> {
    return this.apply('t')
  }
  /** Removes the dimensions of size 1; with `dim`, only those listed there that have size 1. */
  squeeze(dim?: Dims): Tensor<D> {
    return dim === undefined
      ? this.apply('squeeze')
      : this.apply('squeeze.dims', typeof dim === 'number' ? [dim] : dim)
  }
  /** Inserts a dimension of size 1 at `dim`. */
  unsqueeze(dim: number): Tensor<D> {
    return this.apply('unsqueeze', dim)
  }
  /** Expands dimensions of size 1 to the given sizes by repetition, as a view; −1 keeps a size. */
  expand(shape: Shape): Tensor<D> {
    return this.apply('expand', shape)
  }
  /** Copies the tensor `repeats[i]` times along dimension i. */
  repeat(repeats: readonly number[]): Tensor<D> {
    return this.apply('repeat', repeats)
  }
  /** Reverses the order of the elements along `dims`. */
  flip(dims: readonly number[]): Tensor<D> {
    return this.apply('flip', dims)
  }
  /** Shifts elements along `dim`; those that leave at one end enter at the other. */
  roll(shift: number, dim: number): Tensor<D> {
    return this.apply('roll', [shift], [dim])
  }
  /** Adds borders filled with `value`: `[left, right, top, bottom, …]`, starting with the last dimension. */
  pad(borders: readonly number[], value = 0): Tensor<D> {
    return this.apply('pad', borders, 'constant', value)
  }
  /** The tensor itself if its elements are in row-major order, otherwise a copy in that order. */
  contiguous(): Tensor<D> {
    return this.apply('contiguous')
  }
  /** A copy; gradients flow through it. */
  clone(): Tensor<D> {
    return this.apply('clone')
  }

  /** Selects `length` slices of `dim`, beginning at `start`. */
  narrow(dim: number, start: number, length: number): Tensor<D> {
    return this.apply('narrow', dim, start, length)
  }
  /** Selects every `step`-th slice of `dim` from `start` up to but not including `end`; both may be negative. */
  slice(dim: number, start?: number, end?: number, step?: number): Tensor<D> {
    return this.apply('slice.Tensor', dim, start, end, step)
  }
  /** Selects one slice of `dim` and removes that dimension. */
  select(dim: number, index: number): Tensor<D> {
    return this.apply('select.int', dim, index)
  }
  /** Selects the slices of `dim` that the int64 vector `index` lists. */
  indexSelect(dim: number, index: Tensor): Tensor<D> {
    return this.apply('index_select', dim, index)
  }
  /** Collects `out[i][j] = this[index[i][j]][j]` for `dim` 0, and accordingly for other dimensions. */
  gather(dim: number, index: Tensor): Tensor<D> {
    return this.apply('gather', dim, index)
  }
  /** Selects the elements where `mask` is true, as a vector. */
  maskedSelect(mask: Tensor<'bool'>): Tensor<D> {
    return this.apply('masked_select', mask)
  }
  /** Replaces elements by `value` where `mask` is true. */
  maskedFill(mask: Tensor<'bool'>, value: Scalar | Tensor): Tensor<D> {
    return this.apply(`masked_fill.${overload(value)}`, mask, value)
  }
  /** `maskedFill` in place. */
  maskedFill_(mask: Tensor<'bool'>, value: Scalar | Tensor): this {
    return this.applyInPlace(`masked_fill_.${overload(value)}`, mask, value)
  }
  /** Sets `this[index[i][j]][j] = source[i][j]` for `dim` 0, and accordingly for other dimensions. */
  scatter_(dim: number, index: Tensor, source: Scalar | Tensor): this {
    return this.applyInPlace(
      `scatter_.${overload(source) === 'Tensor' ? 'src' : 'value'}`,
      dim,
      index,
      source,
    )
  }
  /** Adds the slices of `source` to the slices of `dim` that `index` lists. */
  indexAdd_(dim: number, index: Tensor, source: Tensor): this {
    return this.applyInPlace('index_add_', dim, index, source)
  }
  /** The positions of the non-zero elements, one per row. */
  nonzero(): Tensor<'int64'> {
    return this.apply('nonzero')
  }
  /** Keeps the lower triangle and zeroes the rest. */
  tril(diagonal = 0): Tensor<D> {
    return this.apply('tril', diagonal)
  }
  /** Keeps the upper triangle and zeroes the rest. */
  triu(diagonal = 0): Tensor<D> {
    return this.apply('triu', diagonal)
  }

  /**
   * Splits the tensor along `dim` into pieces of `sizes`; a single number gives pieces of that size, the last possibly
   * smaller.
   */
  split(sizes: number | readonly number[], dim = 0): Tensor<D>[] {
    return typeof sizes === 'number'
      ? this.applyMany('split.Tensor', sizes, dim)
      : this.applyMany('split_with_sizes', sizes, dim)
  }
  /** Splits the tensor along `dim` into at most `count` pieces of equal size; the last may be smaller. */
  chunk(count: number, dim = 0): Tensor<D>[] {
    return this.applyMany('chunk', count, dim)
  }
  /** Splits the tensor into the slices of `dim`, and removes that dimension. */
  unbind(dim = 0): Tensor<D>[] {
    return this.applyMany('unbind.int', dim)
  }
}
