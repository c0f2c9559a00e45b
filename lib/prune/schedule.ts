import { TorchPruneError } from '../base/errors.js'
import { number, whole } from '../base/kind.js'
import type { OptionsOf } from '../base/option.js'

/** How densities fall to those of the criterion over the rounds, by one word. */
export type DensitySchedule = 'geometric' | 'linear' | 'cubic'

/** The options of `densitySchedule`, by name. */
export const pacesOptions = {
  /** Where the first pace ends. A layer that keeps more in the end stops at what it keeps. */
  density: number({ over: 0, most: 1 }),
  /** The rounds of the first pace, fewer than all. */
  rounds: whole(1),
}

/**
 * Two paces, both geometric: to `density` in the first `rounds` rounds, and from there to the criterion's density in the
 * others. A network has weights to spare at first; close to its end, finer steps cost fewer errors.
 */
export interface TwoPaces extends OptionsOf<typeof pacesOptions> {}

/**
 * Returns the density after round `round` of `rounds`, between 1 and `final`. Geometric: every round prunes the same
 * share of the weights that are left. Linear: every round prunes the same number. Cubic: the first rounds prune more
 * than the last ones (Zhu and Gupta 2017, equation 1).
 */
export function densityAt(
  schedule: DensitySchedule | TwoPaces,
  final: number,
  round: number,
  rounds: number,
): number {
  if (typeof schedule === 'object') return pacedDensity(schedule, final, round, rounds)
  const progress = round / rounds
  switch (schedule) {
    case 'geometric':
      return final === 0 ? 1 - progress : final ** progress
    case 'linear':
      return 1 - (1 - final) * progress
    case 'cubic':
      return final + (1 - final) * (1 - progress) ** 3
  }
}

function pacedDensity({ density, rounds: first }: TwoPaces, final: number, round: number, rounds: number) {
  const between = Math.max(density, final)
  if (round <= first) return densityAt('geometric', between, round, first)
  return between * densityAt('geometric', final / between, round - first, rounds - first)
}

/** Throws `ERR_ARGUMENT` for two paces of which the second has no round. */
export function checkPaces(schedule: DensitySchedule | TwoPaces | undefined, rounds: number): void {
  if (typeof schedule !== 'object' || schedule.rounds < rounds) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `densitySchedule spends ${schedule.rounds} rounds on its first pace, and rounds is ${rounds}: leave some for the second`,
  )
}
