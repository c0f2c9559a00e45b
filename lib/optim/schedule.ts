import { TorchPruneError } from '../errors.js'

/** How the learning rate moves, as a factor on the optimiser's own. */
export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'cosine'; readonly warmup: number; readonly final: number }
  | { readonly kind: 'step'; readonly every: number; readonly factor: number }

export function constant(): Schedule {
  return { kind: 'constant' }
}

/**
 * Half a cosine from 1 down to `final`, after a linear `warmup` over that share of all steps
 * (Loshchilov and Hutter 2017, one cycle).
 */
export function cosine(options: { readonly warmup?: number; readonly final?: number } = {}): Schedule {
  const { warmup = 0, final = 0 } = options
  for (const [what, value] of Object.entries({ warmup, final })) {
    if (!(value >= 0 && value <= 1))
      throw new TorchPruneError('ERR_ARGUMENT', `${what} must be in 0..1, got ${value}`)
  }
  return { kind: 'cosine', warmup, final }
}

/** Multiplies the rate by `factor` after every `every` epochs. */
export function step(every: number, factor = 0.1): Schedule {
  if (!(every > 0) || !(factor > 0)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `step: every and factor must be over 0, got ${every} and ${factor}`,
    )
  }
  return { kind: 'step', every, factor }
}

/** The factor at a step of all `total`, in epochs of `perEpoch` steps. */
export function rateFactor(schedule: Schedule, at: number, total: number, perEpoch: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1
    case 'cosine': {
      const warm = schedule.warmup * total
      if (at < warm) return (at + 1) / (warm + 1)
      const progress = (at - warm) / Math.max(total - warm, 1)
      return schedule.final + (1 - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress))
    }
    case 'step':
      return schedule.factor ** Math.floor(at / (perEpoch * schedule.every))
  }
}
