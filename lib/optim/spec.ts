import { pair } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { boolean, number } from '../base/kind.js'
import { made, type OptionsOf, optional, type ReadOf, readOptions } from '../base/option.js'

/**
 * The largest learning rate or strength. Beyond it, a product may be infinite in float32, and infinity times a sealed
 * weight is NaN.
 */
export const LARGEST_RATE = 1e20
/** The smallest normal float32. */
const LEAST_EPS = 2 ** -126

const rate = number({ least: 0, most: LARGEST_RATE })
const fused = optional(boolean, true)

/** The options of `sgd`, by name. */
export const sgdOptions = {
  /** The learning rate. */
  lr: rate,
  /**
   * The share of the previous step that the next one keeps.
   * @default 0
   */
  momentum: optional(number({ least: 0, most: 1 }), 0),
  /**
   * The share of the gradient that momentum leaves out.
   * @default 0
   */
  dampening: optional(number({ least: 0, most: 1 }), 0),
  /**
   * Whether to look ahead along the momentum (Nesterov 1983); this needs a momentum over 0 and no dampening.
   * @default false
   */
  nesterov: optional(boolean, false),
  /**
   * Weight decay of all parameters, added to the gradient as in PyTorch's SGD.
   * @default 0
   */
  weightDecay: optional(rate, 0),
  /**
   * Whether to update with one-pass kernels; false updates with single operators, bit for bit like PyTorch's plain
   * loop.
   * @default true
   */
  fused,
}

/** The options of `adam`, by name. */
export const adamOptions = {
  /**
   * The learning rate.
   * @default 1e-3
   */
  lr: optional(rate, 1e-3),
  /**
   * The decay of the running averages of the gradient and of its square.
   * @default [0.9, 0.999]
   */
  betas: optional(pair(number({ least: 0, under: 1 })), [0.9, 0.999]),
  /**
   * A number that is added to the denominator. With 0, or with what float32 rounds to 0, a sealed weight would be 0 /
   * 0.
   * @default 1e-8
   */
  eps: optional(number({ least: LEAST_EPS, most: LARGEST_RATE }), 1e-8),
  /**
   * Whether to divide by the largest average of squares so far (Reddi, Kale and Kumar 2018).
   * @default false
   */
  amsgrad: optional(boolean, false),
  /**
   * Weight decay of all parameters, as in PyTorch's optimizers: coupled for Adam, decoupled for AdamW.
   * @default 0 for Adam, 0.01 for AdamW
   */
  weightDecay: optional(rate, 0),
  /**
   * Whether to update with libtorch's one-pass kernels; false updates with single operators, bit for bit like PyTorch's
   * plain loop.
   * @default true
   */
  fused,
}

/** The options of `adamw`, by name. */
export const adamwOptions = { ...adamOptions, weightDecay: optional(rate, 0.01) }

/** Options of `sgd`. */
export interface SgdOptions extends OptionsOf<typeof sgdOptions> {}
/** Options of `adam` and `adamw`. */
export interface AdamOptions extends OptionsOf<typeof adamOptions> {}

/** The settings of `sgd`, with defaults filled in. */
export interface SgdSpec extends ReadOf<typeof sgdOptions> {
  /** Which optimizer it is. */
  readonly kind: 'sgd'
}
/** The settings of `adam` or `adamw`, with defaults filled in. */
export interface AdamSpec extends ReadOf<typeof adamOptions> {
  /** Which optimizer it is; they differ in their weight decay. */
  readonly kind: 'adam' | 'adamw'
}

/** The settings of an optimizer. */
export type OptimizerSpec = SgdSpec | AdamSpec

/** Stochastic gradient descent, like torch.optim.SGD. */
export function sgd(options: SgdOptions): SgdSpec {
  const spec: SgdSpec = { kind: 'sgd', ...readOptions('sgd', sgdOptions, options) }
  checkNesterov(spec, 'sgd')
  return spec
}

/** Adam, like torch.optim.Adam. */
export function adam(options: AdamOptions = {}): AdamSpec {
  return { kind: 'adam', ...readOptions('adam', adamOptions, options) }
}

/** Adam with decoupled weight decay, like torch.optim.AdamW. */
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
