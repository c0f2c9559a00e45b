/** What a layer may be brought to, stop by stop, and how far it is. */
export interface Curve {
  /** The error that each stop adds, which never falls from one to the next. */
  readonly stops: readonly { readonly increase: number }[]
  at: number
}

/**
 * The curve whose next step adds the least error for what it saves, of equal ones the first; or none, if there is no step
 * after which the errors of all curves add up to at most `most`.
 */
export function cheapestStep<C extends Curve>(
  curves: readonly C[],
  savedBy: (here: C['stops'][number], there: C['stops'][number], curve: C) => number,
  most = Number.POSITIVE_INFINITY,
): C | undefined {
  const now = curves.reduce((sum, { stops, at }) => sum + stops[at]!.increase, 0)
  return curves
    .filter(({ stops, at }) => at + 1 < stops.length)
    .map((curve) => {
      const [here, there] = [curve.stops[curve.at]!, curve.stops[curve.at + 1]!]
      const more = there.increase - here.increase
      return { curve, more, price: more / savedBy(here, there, curve) }
    })
    .sort((a, b) => a.price - b.price)
    .find(({ more }) => now + more <= most)?.curve
}
