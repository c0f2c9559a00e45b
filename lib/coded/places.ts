import { Counters, Mixer, STRETCH, squash } from './model.js'
import type { RangeDecoder } from './range_decoder.js'

export const MOST_PERIOD = 63

const LEVELS = 16
const PATTERNS = 64
const FEW = 7
const SHIFT = 14
const LIMIT = 1023
const COLUMN_START = 8
const COLUMN_LIMIT = 255
const ROW_START = 12
const ROW_LIMIT = 60
/** Before the first column and after the last nothing stands. */
const MARGIN = MOST_PERIOD + 1

/** A level of probability for contexts: from e^-8 to 1 in steps of e^0.5. */
function levelOf(stretched: number): number {
  const level = (stretched + 2048) >> 7
  return Math.max(0, Math.min(level, LEVELS - 1))
}

/** Counters for contexts of a level and something else, that begin at the probability of the levels. */
function countersOf(others: number, both: boolean): Counters {
  const counters = new Counters(others * LEVELS, LIMIT)
  for (let context = 0; context < others * LEVELS; context++) {
    const level = context % LEVELS
    const other = both ? Math.floor(context / LEVELS) : level
    const stretched = 64 * (level + other + 1) - 2048
    counters.set(context, squash(stretched) << 6, 2)
  }
  return counters
}

/** What a block has learned of places. */
export class PlaceModels {
  readonly lines = countersOf(LEVELS, true)
  readonly neighbors = countersOf(PATTERNS, false)
  readonly surround = countersOf(LEVELS, true)
  readonly mixer = new Mixer(FEW, Math.floor(65536 / 3), SHIFT)
}

/**
 * Where something stands, one place after the other. Each is predicted from how full its row and its column have been,
 * and from its neighbors.
 */
export class Places {
  readonly #models: PlaceModels
  readonly #period: number
  readonly #prior: number
  readonly #columns: Counters
  readonly #stretched: Int16Array
  #now: Uint8Array
  #above: Uint8Array
  readonly #row = new Counters(1, ROW_LIMIT)

  /** @param prior the probability that something stands at a place, of 65536 */
  constructor(models: PlaceModels, prior: number, period: number, columns: number) {
    this.#models = models
    this.#period = period
    this.#prior = prior << 6
    this.#columns = new Counters(columns, COLUMN_LIMIT, this.#prior, COLUMN_START)
    this.#stretched = new Int16Array(columns + 2 * MARGIN).fill(STRETCH[prior]!)
    this.#now = new Uint8Array(columns + 2 * MARGIN)
    this.#above = new Uint8Array(columns + 2 * MARGIN)
  }

  beginRow(): void {
    this.#row.set(0, this.#prior, ROW_START)
  }

  endRow(): void {
    const above = this.#above
    this.#above = this.#now
    this.#now = above.fill(0)
  }

  read(decoder: RangeDecoder, column: number): number {
    const { lines, neighbors, surround, mixer } = this.#models
    const period = this.#period
    const now = this.#now
    const stretched = this.#stretched
    const at = MARGIN + column
    const byColumn = stretched[at]!
    const byRow = STRETCH[this.#row.probability(0)]!
    const columnLevel = levelOf(byColumn)
    const rowLevel = levelOf(byRow)
    const left = now[at - 1]!
    const farLeft = now[at - 2]!
    const above = this.#above[at]!
    let pattern = left | (farLeft << 1) | (above << 2)
    let few = left + farLeft + above
    let around = stretched[at - 1]! + stretched[at + 1]!
    if (period > 0) {
      const before = at - period
      pattern |= (now[before]! << 3) | (now[before - 1]! << 4) | (now[before + 1]! << 5)
      few += now[before]! + now[before - 1]! + now[before + 1]!
      around = (around + stretched[before]! + stretched[at + period]!) >> 2
    } else around >>= 1
    const inLines = columnLevel * LEVELS + rowLevel
    const inNeighbors = pattern * LEVELS + columnLevel
    const inSurround = levelOf(around) * LEVELS + columnLevel
    const probability = mixer.mix(
      few,
      STRETCH[lines.probability(inLines)]!,
      STRETCH[neighbors.probability(inNeighbors)]!,
      STRETCH[surround.probability(inSurround)]!,
    )
    const stands = decoder.bit(probability)
    mixer.update(stands)
    lines.update(inLines, stands)
    neighbors.update(inNeighbors, stands)
    surround.update(inSurround, stands)
    this.#learn(column, stands)
    return stands
  }

  #learn(column: number, stands: number): void {
    this.#row.update(0, stands)
    this.#columns.update(column, stands)
    this.#stretched[MARGIN + column] = STRETCH[this.#columns.probability(column)]!
    this.#now[MARGIN + column] = stands
  }
}
