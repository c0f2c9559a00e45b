/** How densities fall to those of the criterion over the rounds. */
export type DensitySchedule = 'geometric' | 'linear' | 'cubic'

/**
 * Returns the density after round `round` of `rounds`, between 1 and `final`. Geometric: every round prunes the same
 * share of the weights that are left. Linear: every round prunes the same number. Cubic: the first rounds prune more
 * than the last ones (Zhu and Gupta 2017, equation 1).
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
