import { TorchPruneError } from '../errors.js'
import { deriveSeed } from '../train/seed.js'

/** When masks are spliced. */
export interface SpliceTiming {
  /** Steps between two chances to splice. 20 unless given; 1 is every step. */
  readonly every?: number | undefined
  /** How likely each chance is taken. 1 unless given. */
  readonly probability?: number | undefined
  /** Share of the run in which the density comes down to its end. 0.5 unless given. */
  readonly reach?: number | undefined
  /** Share of the run after which the mask stays, and what is kept trains on. 0.8 unless given. */
  readonly until?: number | undefined
}

export type SpliceTimes = { readonly [K in keyof SpliceTiming]-?: number }

/** All of them, checked. */
export function spliceTimes(options: SpliceTiming): SpliceTimes {
  const { every = 20, probability = 1, reach = 0.5, until = Math.max(0.8, reach) } = options
  if (!Number.isInteger(every) || every < 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `every must be a whole number of steps, 1 or more, got ${every}`,
    )
  }
  for (const [what, value] of Object.entries({ probability, reach, until })) {
    if (!(value > 0 && value <= 1)) {
      throw new TorchPruneError('ERR_ARGUMENT', `${what} must be over 0 and up to 1, got ${value}`)
    }
  }
  if (reach > until) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `reach must not be over until, or the density never comes down to its end: got ${reach} and ${until}`,
    )
  }
  return { every, probability, reach, until }
}

/**
 * The steps, counted from `first`, of an epoch of `steps` steps at which masks change, and how far the density has
 * come by then, in 0..1. The last step before the mask stays is always one, so that the end is reached.
 */
export function spliceSteps(
  { every, probability, reach, until }: SpliceTimes,
  seed: number,
  first: number,
  steps: number,
  total: number,
): { readonly step: number; readonly progress: number }[] {
  const last = Math.max(0, Math.ceil(until * total) - 1)
  const chosen = []
  for (let step = 0; step < steps && first + step <= last; step++) {
    const at = first + step
    const taken = at % every === 0 && (probability === 1 || deriveSeed(seed, at, 1) / 2 ** 32 < probability)
    if (taken || at === last) chosen.push({ step, progress: Math.min(1, (at + 1) / (reach * total)) })
  }
  // The end is reached by then, whatever rounding makes of the quotient.
  if (chosen.length > 0 && first + chosen.at(-1)!.step === last)
    chosen.push({ ...chosen.pop()!, progress: 1 })
  return chosen
}
