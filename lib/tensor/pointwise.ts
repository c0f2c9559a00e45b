import type { DType } from '../base/dtype.js'
import { number, words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { TensorCore } from './core.js'
import type { Floated } from './elements.js'
import type { Scalar } from './invoke.js'
import type { Tensor } from './tensor.js'

const alphaOptions = {
  /**
   * The factor of the other operand.
   * @default 1
   */
  alpha: optional(number()),
}
const valueOptions = {
  /**
   * The factor of the product.
   * @default 1
   */
  value: optional(number()),
}
const divOptions = {
  /**
   * Rounds the quotient to a whole number: toward zero or down.
   * @default no rounding
   */
  rounding: optional(words('trunc', 'floor')),
}

/** The other operand of a binary operator; shapes broadcast and dtypes promote as in PyTorch. */
export type Operand<D extends DType = DType> = Tensor<D> | Scalar

/** Which overload of a binary operator fits this operand. */
export function overload(other: unknown): 'Tensor' | 'Scalar' {
  return typeof other === 'object' || other === undefined ? 'Tensor' : 'Scalar'
}

/**
 * Operators on each element by itself. As in PyTorch, those that end in `_` write to the tensor and return it; on a
 * leaf that requires a gradient, they are allowed only under `noGrad`.
 */
export class Pointwise<D extends DType> extends TensorCore<D> {
  /** `this + alpha × other`. */
  add(other: Operand<D>, options?: OptionsOf<typeof alphaOptions>): Tensor<D>
  add(other: Tensor, options?: OptionsOf<typeof alphaOptions>): Tensor
  add(other: Operand, options?: OptionsOf<typeof alphaOptions>): Tensor {
    const { alpha } = readOptions('add', alphaOptions, options)
    return this.apply(`add.${overload(other)}`, other, alpha)
  }

  /** `this − alpha × other`. */
  sub(other: Operand<D>, options?: OptionsOf<typeof alphaOptions>): Tensor<D>
  sub(other: Tensor, options?: OptionsOf<typeof alphaOptions>): Tensor
  sub(other: Operand, options?: OptionsOf<typeof alphaOptions>): Tensor {
    const { alpha } = readOptions('sub', alphaOptions, options)
    return this.apply(`sub.${overload(other)}`, other, alpha)
  }

  /** `this × other`. */
  mul(other: Operand<D>): Tensor<D>
  mul(other: Tensor): Tensor
  mul(other: Operand): Tensor {
    return this.apply(`mul.${overload(other)}`, other)
  }

  /** The true quotient; integers give float32. `rounding` makes it a whole number of the same dtype. */
  div(other: Operand<D>): Tensor<Floated<D>>
  div(other: Operand<D>, options: { rounding: 'trunc' | 'floor' }): Tensor<D>
  div(other: Tensor, options?: OptionsOf<typeof divOptions>): Tensor
  div(other: Operand, options?: OptionsOf<typeof divOptions>): Tensor {
    const { rounding } = readOptions('div', divOptions, options)
    return rounding === undefined
      ? this.apply(`div.${overload(other)}`, other)
      : this.apply(`div.${overload(other)}_mode`, other, rounding)
  }

  /** The remainder, which has the sign of `other`. */
  remainder(other: Operand<D>): Tensor<D>
  remainder(other: Tensor): Tensor
  remainder(other: Operand): Tensor {
    return this.apply(`remainder.${overload(other)}`, other)
  }

  /** `this` to the power of `exponent`. */
  pow(exponent: Operand<D>): Tensor<D>
  pow(exponent: Tensor): Tensor
  pow(exponent: Operand): Tensor {
    return this.apply(`pow.Tensor_${overload(exponent)}`, exponent)
  }

  /** The larger of the two elements; NaN if either is NaN. */
  maximum(other: Tensor<D>): Tensor<D>
  maximum(other: Tensor): Tensor
  maximum(other: Tensor): Tensor {
    return this.apply('maximum', other)
  }

  /** The smaller of the two elements; NaN if either is NaN. */
  minimum(other: Tensor<D>): Tensor<D>
  minimum(other: Tensor): Tensor
  minimum(other: Tensor): Tensor {
    return this.apply('minimum', other)
  }

  /** `this + weight × (end − this)`. */
  lerp(end: Tensor<D>, weight: number): Tensor<D> {
    return this.apply('lerp.Scalar', end, weight)
  }

  /** `this + value × a × b`. */
  addcmul(a: Tensor<D>, b: Tensor<D>, options?: OptionsOf<typeof valueOptions>): Tensor<D> {
    const { value } = readOptions('addcmul', valueOptions, options)
    return this.apply('addcmul', a, b, value)
  }

  /** Limits elements to between `min` and `max`; an `undefined` bound is no limit on that side. */
  clamp(min?: number, max?: number): Tensor<D> {
    return this.apply('clamp', min, max)
  }

  /** The absolute value. */
  abs(): Tensor<D> {
    return this.apply('abs')
  }
  /** `−this`. */
  neg(): Tensor<D> {
    return this.apply('neg')
  }
  /** The sign: −1, 0 or 1. */
  sign(): Tensor<D> {
    return this.apply('sign')
  }
  /** `this × this`. */
  square(): Tensor<D> {
    return this.apply('square')
  }
  /** Rounds down to a whole number. */
  floor(): Tensor<D> {
    return this.apply('floor')
  }
  /** Rounds up to a whole number. */
  ceil(): Tensor<D> {
    return this.apply('ceil')
  }
  /** Rounds to the nearest whole number, and halves to the even one. */
  round(): Tensor<D> {
    return this.apply('round')
  }
  /** Rounds toward zero. */
  trunc(): Tensor<D> {
    return this.apply('trunc')
  }

  /** `e` to the power of each element. */
  exp(): Tensor<Floated<D>> {
    return this.apply('exp')
  }
  /** `exp(x) − 1`, accurate near 0. */
  expm1(): Tensor<Floated<D>> {
    return this.apply('expm1')
  }
  /** The natural logarithm. */
  log(): Tensor<Floated<D>> {
    return this.apply('log')
  }
  /** `log(1 + x)`, accurate near 0. */
  log1p(): Tensor<Floated<D>> {
    return this.apply('log1p')
  }
  /** The logarithm to base 2. */
  log2(): Tensor<Floated<D>> {
    return this.apply('log2')
  }
  /** The square root. */
  sqrt(): Tensor<Floated<D>> {
    return this.apply('sqrt')
  }
  /** `1 / sqrt(x)`. */
  rsqrt(): Tensor<Floated<D>> {
    return this.apply('rsqrt')
  }
  /** `1 / x`. */
  reciprocal(): Tensor<Floated<D>> {
    return this.apply('reciprocal')
  }
  /** The sine, of radians. */
  sin(): Tensor<Floated<D>> {
    return this.apply('sin')
  }
  /** The cosine, of radians. */
  cos(): Tensor<Floated<D>> {
    return this.apply('cos')
  }
  /** The error function. */
  erf(): Tensor<Floated<D>> {
    return this.apply('erf')
  }

  /** `add` in place. */
  add_(other: Operand, options?: OptionsOf<typeof alphaOptions>): this {
    const { alpha } = readOptions('add_', alphaOptions, options)
    return this.applyInPlace(`add_.${overload(other)}`, other, alpha)
  }
  /** `sub` in place. */
  sub_(other: Operand, options?: OptionsOf<typeof alphaOptions>): this {
    const { alpha } = readOptions('sub_', alphaOptions, options)
    return this.applyInPlace(`sub_.${overload(other)}`, other, alpha)
  }
  /** `mul` in place. */
  mul_(other: Operand): this {
    return this.applyInPlace(`mul_.${overload(other)}`, other)
  }
  /** `div` in place. */
  div_(other: Operand): this {
    return this.applyInPlace(`div_.${overload(other)}`, other)
  }
  /** `pow` in place. */
  pow_(exponent: Operand): this {
    return this.applyInPlace(`pow_.${overload(exponent)}`, exponent)
  }
  /** `lerp` in place. */
  lerp_(end: Tensor, weight: number): this {
    return this.applyInPlace('lerp_.Scalar', end, weight)
  }
  /** `addcmul` in place. */
  addcmul_(a: Tensor, b: Tensor, options?: OptionsOf<typeof valueOptions>): this {
    const { value } = readOptions('addcmul_', valueOptions, options)
    return this.applyInPlace('addcmul_', a, b, value)
  }
  /** `clamp` in place. */
  clamp_(min?: number, max?: number): this {
    return this.applyInPlace('clamp_', min, max)
  }
  /** `abs` in place. */
  abs_(): this {
    return this.applyInPlace('abs_')
  }
  /** `neg` in place. */
  neg_(): this {
    return this.applyInPlace('neg_')
  }
  /** `exp` in place. */
  exp_(): this {
    return this.applyInPlace('exp_')
  }
  /** `sqrt` in place. */
  sqrt_(): this {
    return this.applyInPlace('sqrt_')
  }
  /** Sets every element to `value`. */
  fill_(value: Scalar): this {
    return this.applyInPlace('fill_.Scalar', value)
  }
  /** Sets every element to +0. */
  zero_(): this {
    return this.applyInPlace('zero_')
  }
  /** Copies the elements of `source`, which broadcasts, from any device and any dtype. */
  copy_(source: Tensor): this {
    return this.applyInPlace('copy_', source)
  }
  /** Draws each element uniformly from [`from`, `to`). */
  uniform_(from = 0, to = 1): this {
    return this.applyInPlace('uniform_', from, to)
  }
  /** Draws each element from the normal distribution with this mean and standard deviation. */
  normal_(mean = 0, std = 1): this {
    return this.applyInPlace('normal_', mean, std)
  }
  /** Sets each element to 1 with probability `p`, otherwise to 0. */
  bernoulli_(p = 0.5): this {
    return this.applyInPlace('bernoulli_.float', p)
  }
}
