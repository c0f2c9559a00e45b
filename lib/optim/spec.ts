import { pair } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { boolean, number } from '../base/kind.js'
import { made, type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'

/** Beyond it, a product may be infinite in float32, and infinity times a sealed weight is NaN. */
export const LARGEST_RATE = 1e20
/** The smallest normal float32. */
const LEAST_EPS = 2 ** -126

const rate = number({ least: 0, most: LARGEST_RATE })
const fused = optional(boolean, true)

export const sgdOptions = {
  /** Learning rate. */
  lr: rate,
  /**
   * What a step keeps of the one before.
   * @default 0
   */
  momentum: optional(number({ least: 0, most: 1 }), 0),
  /**
   * The share of the gradient that the momentum leaves out.
   * @default 0
   */
  dampening: optional(number({ least: 0, most: 1 }), 0),
  /**
   * Looks ahead along the momentum (Nesterov 1983).
   * @default false
   */
  nesterov: optional(boolean, false),
  /**
   * For all parameters, added to the gradient, as PyTorch's SGD takes it.
   * @default 0
   */
  weightDecay: optional(rate, 0),
  /**
   * Updates by one-pass kernels; false updates by single operators, bit for bit like PyTorch's plain loop.
   * @default true
   */
  fused,
}

export const adamOptions = {
  /**
   * Learning rate.
   * @default 1e-3
   */
  lr: optional(rate, 1e-3),
  /**
   * How fast the averages of the gradient and of its square forget.
   * @default [0.9, 0.999]
   */
  betas: optional(pair(number({ least: 0, under: 1 })), [0.9, 0.999]),
  /**
   * Added to the denominator. With 0, or what float32 rounds to it, a sealed weight would be 0 / 0.
   * @default 1e-8
   */
  eps: optional(number({ least: LEAST_EPS, most: LARGEST_RATE }), 1e-8),
  /**
   * Divides by the largest average of squares so far (Reddi, Kale and Kumar 2018).
   * @default false
   */
  amsgrad: optional(boolean, false),
  /**
   * For all parameters, as PyTorch's optimizers take it: coupled for Adam, decoupled for AdamW.
   * @default 0 for Adam, 0.01 for AdamW
   */
  weightDecay: optional(rate, 0),
  /**
   * Updates by libtorch's one-pass kernels; false updates by single operators, bit for bit like PyTorch's plain loop.
   * @default true
   */
  fused,
}

export const adamwOptions = { ...adamOptions, weightDecay: optional(rate, 0.01) }

export interface SgdOptions extends OptionsOf<typeof sgdOptions> {}
export interface AdamOptions extends OptionsOf<typeof adamOptions> {}

export interface SgdSpec extends ReadOf<typeof sgdOptions> {
  readonly kind: 'sgd'
}
export interface AdamSpec extends ReadOf<typeof adamOptions> {
  readonly kind: 'adam' | 'adamw'
}

/** An optimizer, described. */
export type OptimizerSpec = SgdSpec | AdamSpec

/** Stochastic gradient descent, as torch.optim.SGD. */
export function sgd(options: SgdOptions): SgdSpec {
  const spec: SgdSpec = { kind: 'sgd', ...readOptions('sgd', sgdOptions, options) }
  checkNesterov(spec, 'sgd')
  return spec
}

/** Adam, as torch.optim.Adam. */
export function adam(options: AdamOptions = {}): AdamSpec {
  return { kind: 'adam', ...readOptions('adam', adamOptions, options) }
}

/** Adam with decoupled weight decay, as torch.optim.AdamW. */
export function adamw(options: AdamOptions = {}): AdamSpec {
  return { kind: 'adamw', ...readOptions('adamw', adamwOptions, options) }
}

/** An optimizer as an option. */
export const optimizerKind = made<OptimizerSpec>({
  kinds: { sgd: sgdOptions, adam: adamOptions, adamw: adamwOptions },
  makers: ['sgd({ lr: 0.1 })', 'adam()', 'adamw()'],
  check: checkNesterov,
})

function checkNesterov(spec: OptimizerSpec, name: string): void {
  if (spec.kind !== 'sgd' || !spec.nesterov || (spec.momentum > 0 && spec.dampening === 0)) return
  throw new TorchPruneError('ERR_ARGUMENT', `${name}: nesterov needs a momentum over 0 and no dampening`)
}
