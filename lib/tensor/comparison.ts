import type { DType } from '../base/dtype.js'
import { boolean, number } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { type Operand, overload, Pointwise } from './pointwise.js'
import type { Tensor } from './tensor.js'

const closeOptions = {
  /** @default 1e-5 */
  rtol: optional(number()),
  /** @default 1e-8 */
  atol: optional(number()),
  /**
   * Whether NaN is close to NaN.
   * @default false
   */
  equalNan: optional(boolean),
}

/** Operators that answer true or false. Comparing with NaN is false, except for `ne`. */
export class Comparison<D extends DType> extends Pointwise<D> {
  eq(other: Operand): Tensor<'bool'> {
    return this.apply(`eq.${overload(other)}`, other)
  }
  ne(other: Operand): Tensor<'bool'> {
    return this.apply(`ne.${overload(other)}`, other)
  }
  lt(other: Operand): Tensor<'bool'> {
    return this.apply(`lt.${overload(other)}`, other)
  }
  le(other: Operand): Tensor<'bool'> {
    return this.apply(`le.${overload(other)}`, other)
  }
  gt(other: Operand): Tensor<'bool'> {
    return this.apply(`gt.${overload(other)}`, other)
  }
  ge(other: Operand): Tensor<'bool'> {
    return this.apply(`ge.${overload(other)}`, other)
  }

  isnan(): Tensor<'bool'> {
    return this.apply('isnan')
  }
  isinf(): Tensor<'bool'> {
    return this.apply('isinf')
  }
  /** Neither infinite nor NaN. */
  isfinite(): Tensor<'bool'> {
    return this.apply('isfinite')
  }

  logicalAnd(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_and', other)
  }
  logicalOr(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_or', other)
  }
  logicalXor(other: Tensor): Tensor<'bool'> {
    return this.apply('logical_xor', other)
  }
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
