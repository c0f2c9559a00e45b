/** How densities come down to the criterion's own over the rounds. */
export type DensitySchedule = 'geometric' | 'linear' | 'cubic'

/**
 * The density of round `round` of `rounds` on the way from 1 to `final`. Geometric: every round prunes the same
 * share of what is left. Cubic: fast first, slow at the end (Zhu and Gupta 2017, equation 1).
 */
export function densityAt(schedule: DensitySchedule, final: number, round: number, rounds: number): number {
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
