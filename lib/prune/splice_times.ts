import { TorchPruneError } from '../base/errors.js'
import type { ReadOf } from '../base/option.js'
import { deriveSeed } from '../base/seed.js'
import type { spliceTimingOptions } from './options.js'

/** When masks are spliced. */
export type SpliceTimes = Omit<ReadOf<typeof spliceTimingOptions>, 'until'> & { readonly until: number }

/** Fills in defaults. Throws if options contradict each other. */
export function spliceTimes(options: ReadOf<typeof spliceTimingOptions>): SpliceTimes {
  const { every, probability, reach, until = Math.max(0.8, reach) } = options
  if (reach > until) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `reach must not be over until, or the density never reaches its end: got ${reach} and ${until}`,
    )
  }
  return { every, probability, reach, until }
}

/**
 * Returns the steps of an epoch at which masks change, and how far the density has come by then, in 0..1. The epoch has
 * `steps` steps, from `first` on. The last step before masks stay the same is always one of them, so that the density
 * reaches its end.
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
  // The density is at its end then, whatever rounding makes of the quotient.
  if (chosen.length > 0 && first + chosen.at(-1)!.step === last)
    chosen.push({ ...chosen.pop()!, progress: 1 })
  return chosen
}
