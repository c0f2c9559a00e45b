import type { DType } from '../base/dtype.js'
import { number, words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { TensorCore } from './core.js'
import type { Floated } from './elements.js'
import type { Scalar } from './invoke.js'
import type { Tensor } from './tensor.js'

const alphaOptions = {
  /** @default 1 */
  alpha: optional(number()),
}
const valueOptions = {
  /** @default 1 */
  value: optional(number()),
}
const divOptions = {
  /** Makes the quotient a whole number. */
  rounding: optional(words('trunc', 'floor')),
}

/** The other side of a binary operator: shapes broadcast and dtypes promote as in PyTorch. */
export type Operand<D extends DType = DType> = Tensor<D> | Scalar

/** The overload of a binary operator for this operand. */
export function overload(other: unknown): 'Tensor' | 'Scalar' {
  return typeof other === 'object' || other === undefined ? 'Tensor' : 'Scalar'
}

/**
 * Operators on each element by itself. Those that end in `_` write into the tensor and return it, as in
 * PyTorch; a leaf that requires a gradient takes them under `noGrad` only.
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

  /** The remainder, with the sign of `other`. */
  remainder(other: Operand<D>): Tensor<D>
  remainder(other: Tensor): Tensor
  remainder(other: Operand): Tensor {
    return this.apply(`remainder.${overload(other)}`, other)
  }

  pow(exponent: Operand<D>): Tensor<D>
  pow(exponent: Tensor): Tensor
  pow(exponent: Operand): Tensor {
    return this.apply(`pow.Tensor_${overload(exponent)}`, exponent)
  }

  /** The larger of the two; NaN where either is. */
  maximum(other: Tensor<D>): Tensor<D>
  maximum(other: Tensor): Tensor
  maximum(other: Tensor): Tensor {
    return this.apply('maximum', other)
  }

  /** The smaller of the two; NaN where either is. */
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

  /** Between `min` and `max`; leave one `undefined` for no bound on that side. */
  clamp(min?: number, max?: number): Tensor<D> {
    return this.apply('clamp', min, max)
  }

  abs(): Tensor<D> {
    return this.apply('abs')
  }
  neg(): Tensor<D> {
    return this.apply('neg')
  }
  /** −1, 0 or 1. */
  sign(): Tensor<D> {
    return this.apply('sign')
  }
  square(): Tensor<D> {
    return this.apply('square')
  }
  floor(): Tensor<D> {
    return this.apply('floor')
  }
  ceil(): Tensor<D> {
    return this.apply('ceil')
  }
  /** To the nearest whole number, halves to the even one. */
  round(): Tensor<D> {
    return this.apply('round')
  }
  /** Towards zero. */
  trunc(): Tensor<D> {
    return this.apply('trunc')
  }

  exp(): Tensor<Floated<D>> {
    return this.apply('exp')
  }
  /** `exp(x) − 1`, exact near 0. */
  expm1(): Tensor<Floated<D>> {
    return this.apply('expm1')
  }
  log(): Tensor<Floated<D>> {
    return this.apply('log')
  }
  /** `log(1 + x)`, exact near 0. */
  log1p(): Tensor<Floated<D>> {
    return this.apply('log1p')
  }
  log2(): Tensor<Floated<D>> {
    return this.apply('log2')
  }
  sqrt(): Tensor<Floated<D>> {
    return this.apply('sqrt')
  }
  /** `1 / sqrt(x)`. */
  rsqrt(): Tensor<Floated<D>> {
    return this.apply('rsqrt')
  }
  reciprocal(): Tensor<Floated<D>> {
    return this.apply('reciprocal')
  }
  sin(): Tensor<Floated<D>> {
    return this.apply('sin')
  }
  cos(): Tensor<Floated<D>> {
    return this.apply('cos')
  }
  erf(): Tensor<Floated<D>> {
    return this.apply('erf')
  }

  add_(other: Operand, options?: OptionsOf<typeof alphaOptions>): this {
    const { alpha } = readOptions('add_', alphaOptions, options)
    return this.applyInPlace(`add_.${overload(other)}`, other, alpha)
  }
  sub_(other: Operand, options?: OptionsOf<typeof alphaOptions>): this {
    const { alpha } = readOptions('sub_', alphaOptions, options)
    return this.applyInPlace(`sub_.${overload(other)}`, other, alpha)
  }
  mul_(other: Operand): this {
    return this.applyInPlace(`mul_.${overload(other)}`, other)
  }
  div_(other: Operand): this {
    return this.applyInPlace(`div_.${overload(other)}`, other)
  }
  pow_(exponent: Operand): this {
    return this.applyInPlace(`pow_.${overload(exponent)}`, exponent)
  }
  lerp_(end: Tensor, weight: number): this {
    return this.applyInPlace('lerp_.Scalar', end, weight)
  }
  addcmul_(a: Tensor, b: Tensor, options?: OptionsOf<typeof valueOptions>): this {
    const { value } = readOptions('addcmul_', valueOptions, options)
    return this.applyInPlace('addcmul_', a, b, value)
  }
  clamp_(min?: number, max?: number): this {
    return this.applyInPlace('clamp_', min, max)
  }
  abs_(): this {
    return this.applyInPlace('abs_')
  }
  neg_(): this {
    return this.applyInPlace('neg_')
  }
  exp_(): this {
    return this.applyInPlace('exp_')
  }
  sqrt_(): this {
    return this.applyInPlace('sqrt_')
  }
  /** Every element becomes `value`. */
  fill_(value: Scalar): this {
    return this.applyInPlace('fill_.Scalar', value)
  }
  /** Every element becomes +0. */
  zero_(): this {
    return this.applyInPlace('zero_')
  }
  /** Takes the elements of `source`, which broadcasts, from any device and in any dtype. */
  copy_(source: Tensor): this {
    return this.applyInPlace('copy_', source)
  }
  /** Draws each element from between `from` and `to`. */
  uniform_(from = 0, to = 1): this {
    return this.applyInPlace('uniform_', from, to)
  }
  /** Draws each element from a normal distribution. */
  normal_(mean = 0, std = 1): this {
    return this.applyInPlace('normal_', mean, std)
  }
  /** Draws 1 with probability `p`, else 0. */
  bernoulli_(p = 0.5): this {
    return this.applyInPlace('bernoulli_.float', p)
  }
}
