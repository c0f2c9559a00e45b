import type { DType } from '../base/dtype.js'
import { boolean, number } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { type Operand, overload, Pointwise } from './pointwise.js'
import type { Tensor } from './tensor.js'

const closeOptions = {
  /**
   * The relative tolerance.
   * @default 1e-5
   */
  rtol: optional(number()),
  /**
   * The absolute tolerance.
   * @default 1e-8
   */
  atol: optional(number()),
  /**
   * Whether NaN is close to NaN.
   * @default false
   */
  equalNan: optional(boolean),
}

/** Operators whose results are true or false. Comparisons with NaN are false, except for `ne`. */
export class Comparison<D extends DType> extends Pointwise<D> {
  /** `this == other` for each element; shapes broadcast. */
  eq(other: Operand): Tensor<'bool'> {
    return this.apply(`eq.${overload(other)}`, other)
  }
  /** `this != other` for each element; shapes broadcast. */
  ne(other: Operand): Tensor<'bool'> {
    return this.apply(`ne.${overload(other)}`, other)
  }
  /** `this < other` for each element; shapes broadcast. */
  lt(other: Operand): Tensor<'bool'> {
    return this.apply(`lt.${overload(other)}`, other)
  }
  /** `this <= other` for each element; shapes broadcast. */
  le(other: Operand): Tensor<'bool'> {
    return this.apply(`le.${overload(other)}`, other)
  }
  /** `this > other` for each element; shapes broadcast. */
  gt(other: Operand): Tensor<'bool'> {
    return this.apply(`gt.${overload(other)}`, other)
  }
  /** `this >= other` for each element; shapes broadcast. */
  ge(other: Operand): Tensor<'bool'> {
    return this.apply(`ge.${overload(other)}`, other)
  }

  /** Whether each element is NaN. */
  isnan(): Tensor<'bool'> {
    return this.apply('isnan')
  }
  /** Whether each element is infinite, of either sign. */
  isinf(): Tensor<'bool'> {
    return this.apply('isinf')
  }
  /** Whether each element is neither infinite nor NaN. */
  isfinite(): Tensor<'bool'> {
    return this.apply('isfinite')
  }

  /** Whether both elements are non-zero. */
  logicalAnd(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_and', other)
  }
  /** Whether at least one of the two elements is non-zero. */
  logicalOr(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_or', other)
  }
  /** Whether exactly one of the two elements is non-zero. */
  logicalXor(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_xor', other)
  }
  /** Whether each element is zero. */
  logicalNot(): Tensor<'bool'> {
    return this.apply('logical_not')
  }

  /** Whether both have the same shape and the same elements. */
  equal(other: Tensor): boolean {
    return this.query('equal', other)
  }

  /** Whether `|this − other| ≤ atol + rtol × |other|` everywhere. */
  allclose(other: Tensor, options?: OptionsOf<typeof closeOptions>): boolean {
    const { rtol, atol, equalNan } = readOptions('allclose', closeOptions, options)
    return this.query('allclose', other, rtol, atol, equalNan)
  }
}
