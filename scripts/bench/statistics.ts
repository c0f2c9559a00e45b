/** A median and quartiles, by linear interpolation. */
export interface Spread {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

/** The median and the quartiles of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)]!
    return below + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - below)
  }
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) }
}
