/** The standard deviations to either side that hold 95% of a normal distribution. */
const Z = 1.96

/**
 * Wilson's 95% interval of an error that was measured on so many samples; both are in percent. Another test set of that
 * size would give an error in it 19 times of 20, roughly.
 */
export function errorInterval(error: number, samples: number): readonly [low: number, high: number] {
  const share = error / 100
  const center = share + Z ** 2 / (2 * samples)
  const half = Z * Math.sqrt((share * (1 - share)) / samples + Z ** 2 / (4 * samples ** 2))
  const low = (100 * (center - half)) / (1 + Z ** 2 / samples)
  const high = (100 * (center + half)) / (1 + Z ** 2 / samples)
  return [Math.max(0, low), Math.min(100, high)]
}
