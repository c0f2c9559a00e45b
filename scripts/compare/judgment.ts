/**
 * Once Python's losses with one thread and with two are this far apart, relatively, rounding errors have grown too
 * large.
 */
const GROWN = 1e-5
/**
 * Losses and weights may always be this far apart, however small Python's own spread is, because some sums happen to
 * round alike.
 */
const FLOOR = 1e-6
/** Our sums round in yet another way, so their differences may be this many times as large as Python's own. */
const FACTOR = 10

/** The result of comparing the losses of two trainings on the same batches, relative to Python's own spread. */
export interface LossJudgment {
  readonly steps: number
  /** The number of steps from the first on before rounding errors have grown; only these are judged. */
  readonly judged: number
  /** The number of steps whose losses are bit-identical. */
  readonly identical: number
  /** The largest relative differences in the judged steps: between ours and Python's, and between Python's own. */
  readonly ours: number
  readonly python: number
  /** The largest relative differences in the steps after those; 0 if there are none. */
  readonly oursAfter: number
  readonly pythonAfter: number
  /** The first step whose losses are too far apart, counted from 1. */
  readonly failedAt?: number
}

/**
 * Compares our losses with Python's, relative to how far Python deviates from itself with another number of threads. A
 * step is judged as long as Python's own losses are within 1e-5 of each other; rounding errors grow from step to step,
 * and later steps say nothing.
 */
export function judgeLosses(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  again: ArrayLike<number>,
): LossJudgment {
  const steps = theirs.length
  const from = relativeDifferences(ours, theirs)
  const own = relativeDifferences(again, theirs)
  const grownAt = own.findIndex((apart) => !(apart <= GROWN))
  const judged = grownAt < 0 ? steps : grownAt
  const failed = from.findIndex((apart, i) => {
    // Growth may come a step earlier on one side than on the other.
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

/** How far weights may be apart, relative to the largest of their tensor, if Python's own are `spread` apart. */
export function weightTolerance(spread: number): number {
  return Math.max(FLOOR, FACTOR * spread)
}

/** Describes the judgment in a few words, with its numbers. */
export function lossWords({ steps, judged, identical, ours, python, failedAt }: LossJudgment): string {
  if (identical === steps) return `all ${steps} losses have the same bits`
  const figures = `ours ${ours.toExponential(1)} from Python's, Python's own ${python.toExponential(1)}`
  const verdict = failedAt === undefined ? '' : `, too far in step ${failedAt}`
  return `steps 1 to ${judged} of ${steps} by Python's own spread (1 thread against 2): ${figures}${verdict}`
}

/** The number of threads to use for measuring Python's own spread. */
export function otherThreads(threads: number): number {
  return threads === 1 ? 2 : 1
}

/** How far each of `losses` is from the one of `to`, relatively. */
export function relativeDifferences(losses: ArrayLike<number>, to: ArrayLike<number>): number[] {
  return Array.from(to, (loss, i) => relative(losses[i]!, loss))
}

function relative(value: number, to: number): number {
  return value === to ? 0 : Math.abs(value / to - 1)
}

/** The largest of differences; NaN if any is NaN, and 0 if there are none. */
export function most(values: readonly number[]): number {
  return values.reduce((largest, value) => (value > largest || Number.isNaN(value) ? value : largest), 0)
}
