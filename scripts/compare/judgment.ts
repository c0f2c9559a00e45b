/** Python's losses with one thread and with two are this far apart, relative: rounding has grown. */
const GROWN = 1e-5
/** As far may losses and weights be apart whatever Python's own spread: some sums round alike by luck. */
const FLOOR = 1e-6
/** Our sums round in yet another way: their differences may be so many times Python's own. */
const FACTOR = 10

/** What the losses of two trainings on the same batches say, held against Python's own spread. */
export interface LossJudgment {
  readonly steps: number
  /** The steps before rounding had grown, from the first on: they alone are judged. */
  readonly judged: number
  /** The steps whose losses have the same bits. */
  readonly identical: number
  /** The largest relative differences in the steps that are judged: ours from Python's, Python's own. */
  readonly ours: number
  readonly python: number
  /** The same in the steps after those; 0 where there are none. */
  readonly oursAfter: number
  readonly pythonAfter: number
  /** The first step that is too far apart, counted from 1. */
  readonly failedAt?: number
}

/**
 * Holds our losses against Python's by how far Python is from itself with another number of threads. A step is judged
 * while Python's own losses lie within 1e-5; rounding grows from step to step, and later ones say nothing.
 */
export function judgeLosses(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  again: ArrayLike<number>,
): LossJudgment {
  const steps = theirs.length
  const from = Array.from(theirs, (loss, i) => relative(ours[i]!, loss))
  const own = Array.from(theirs, (loss, i) => relative(again[i]!, loss))
  const grownAt = own.findIndex((apart) => !(apart <= GROWN))
  const judged = grownAt < 0 ? steps : grownAt
  const failed = from.findIndex((apart, i) => {
    // Growth may come a step earlier here than there.
    const spread = most(own.slice(0, i + 2))
    return i < judged && !(apart <= Math.max(FLOOR, FACTOR * spread))
  })
  return {
    steps,
    judged,
    identical: from.filter((_, i) => ours[i] === theirs[i]).length,
    ours: most(from.slice(0, judged)),
    python: most(own.slice(0, judged)),
    oursAfter: most(from.slice(judged)),
    pythonAfter: most(own.slice(judged)),
    ...(failed >= 0 && { failedAt: failed + 1 }),
  }
}

/** How far weights may be apart, of the largest of their tensor, where Python's own are so far apart. */
export function weightTolerance(spread: number): number {
  return Math.max(FLOOR, FACTOR * spread)
}

/** The judgment in a few words, with its numbers. */
export function lossWords({ steps, judged, identical, ours, python, failedAt }: LossJudgment): string {
  if (identical === steps) return `all ${steps} losses have the same bits`
  const figures = `ours ${ours.toExponential(1)} from Python's, Python's own ${python.toExponential(1)}`
  const verdict = failedAt === undefined ? '' : `, too far in step ${failedAt}`
  return `steps 1 to ${judged} of ${steps} by Python's own spread (1 thread against 2): ${figures}${verdict}`
}

/** The number of threads that shows Python's own spread. */
export function otherThreads(threads: number): number {
  return threads === 1 ? 2 : 1
}

function relative(value: number, to: number): number {
  return value === to ? 0 : Math.abs(value / to - 1)
}

function most(values: readonly number[]): number {
  return values.reduce((largest, value) => (value > largest || Number.isNaN(value) ? value : largest), 0)
}
