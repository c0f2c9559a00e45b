import { TorchPruneError } from '../errors.js'

/** Beyond it, a product may be infinite in float32, and infinity times a sealed weight is NaN. */
export const LARGEST_RATE = 1e20
/** The smallest normal float32. */
const LEAST_EPS = 2 ** -126

interface Common {
  /** Learning rate. */
  readonly lr: number
  /** For all parameters, as PyTorch's optimisers take it: coupled for SGD and Adam, decoupled for AdamW. */
  readonly weightDecay: number
  /** libtorch's one-pass kernels; false updates by single operators, bit for bit like PyTorch's plain loop. */
  readonly fused: boolean
}

export interface SgdSpec extends Common {
  readonly kind: 'sgd'
  readonly momentum: number
  readonly dampening: number
  readonly nesterov: boolean
}

export interface AdamSpec extends Common {
  readonly kind: 'adam' | 'adamw'
  readonly betas: readonly [number, number]
  readonly eps: number
  readonly amsgrad: boolean
}

/** An optimiser, described. */
export type OptimizerSpec = SgdSpec | AdamSpec

export interface SgdOptions extends Partial<Omit<SgdSpec, 'kind' | 'lr'>> {
  readonly lr: number
}
export type AdamOptions = Partial<Omit<AdamSpec, 'kind'>>

/** Stochastic gradient descent, as torch.optim.SGD. */
export function sgd(options: SgdOptions): SgdSpec {
  const spec: SgdSpec = {
    kind: 'sgd',
    momentum: 0,
    dampening: 0,
    nesterov: false,
    weightDecay: 0,
    fused: true,
    ...options,
  }
  checkCommon(spec)
  inRange('momentum', spec.momentum, 0, 1)
  inRange('dampening', spec.dampening, 0, 1)
  if (spec.nesterov && (spec.momentum === 0 || spec.dampening !== 0)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'nesterov needs a momentum over 0 and no dampening')
  }
  return spec
}

/** Adam, as torch.optim.Adam. */
export function adam(options: AdamOptions = {}): AdamSpec {
  return adaptive('adam', { weightDecay: 0, ...options })
}

/** Adam with decoupled weight decay, as torch.optim.AdamW. */
export function adamw(options: AdamOptions = {}): AdamSpec {
  return adaptive('adamw', { weightDecay: 0.01, ...options })
}

function adaptive(kind: AdamSpec['kind'], options: AdamOptions & { weightDecay: number }): AdamSpec {
  const spec: AdamSpec = {
    kind,
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    amsgrad: false,
    fused: true,
    ...options,
  }
  checkCommon(spec)
  for (const beta of spec.betas) {
    if (!(beta >= 0 && beta < 1))
      throw new TorchPruneError('ERR_ARGUMENT', `betas must be in 0..1, 1 excluded, got ${beta}`)
  }
  // With eps 0, or what float32 rounds to it, a sealed weight would be 0 / 0.
  inRange('eps', spec.eps, LEAST_EPS, LARGEST_RATE)
  return spec
}

function checkCommon(spec: Common): void {
  inRange('lr', spec.lr, 0, LARGEST_RATE)
  inRange('weightDecay', spec.weightDecay, 0, LARGEST_RATE)
}

function inRange(what: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${what} must be in ${least}..${most === LARGEST_RATE ? '1e20' : most}, got ${value}`,
    )
  }
}
