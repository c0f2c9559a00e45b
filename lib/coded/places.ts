import { counterOf, learned, MOST_STRETCH, ONE, STRETCH, squash } from './model.js'
import { Predictor } from './predictor.js'
import type { RangeDecoder } from './range_decoder.js'

export const MOST_PERIOD = 63

const LEVELS = 16
const PATTERNS = 64
const FEW = 7
const COLUMN_START = 8
const COLUMN_LIMIT = 255
const ROW_START = 12
const ROW_LIMIT = 60
/** Before the first column and after the last nothing stands. */
const MARGIN = MOST_PERIOD + 1

/** The level of a logarithm of odds, at MOST_STRETCH more than it: from e^-8 to 1 in steps of e^0.5. */
const LEVEL = Uint8Array.from({ length: 2 * MOST_STRETCH + 1 }, (_, at) =>
  Math.max(0, Math.min((at - MOST_STRETCH + 2048) >> 7, LEVELS - 1)),
)

// Where the counters of each kind of context begin.
const LINES = 0
const NEIGHBORS = LINES + LEVELS * LEVELS
const SURROUND = NEIGHBORS + PATTERNS * LEVELS
const COUNTERS = SURROUND + LEVELS * LEVELS

/** What the counters are at first: at the probability of their levels. */
const FIRST = Int32Array.from({ length: COUNTERS }, (_, at) => {
  const level = at % LEVELS
  const other = at < NEIGHBORS || at >= SURROUND ? Math.floor(at / LEVELS) % LEVELS : level
  return counterOf(squash(64 * (level + other + 1) - 2048) << 6, 2)
})

/** What a block knows of places before the first. */
export function placePredictor(): Predictor {
  return new Predictor(FIRST, FEW, Math.floor(65536 / 3))
}

/**
 * Where something stands, one place after the other. Each is predicted from how full its row and its column have been,
 * and from its neighbors.
 */
export class Places {
  readonly #predictor: Predictor
  readonly #period: number
  readonly #live: Uint32Array
  readonly #columns: Int32Array
  readonly #stretched: Int16Array
  #now: Uint8Array
  #above: Uint8Array
  readonly #newRow: number
  /** The counter of the row. */
  #row = 0
  /** Which of the live columns is next. */
  #next = 0

  /**
   * @param prior the probability that something stands at a place, of 65536
   * @param live the columns in which something stands
   */
  constructor(predictor: Predictor, prior: number, period: number, columns: number, live: Uint32Array) {
    const wide = columns + 2 * MARGIN
    this.#predictor = predictor
    this.#period = period
    this.#live = live
    this.#columns = new Int32Array(wide).fill(counterOf(prior << 6, COLUMN_START))
    this.#stretched = new Int16Array(wide).fill(STRETCH[prior]!)
    this.#now = new Uint8Array(wide)
    this.#above = new Uint8Array(wide)
    this.#newRow = counterOf(prior << 6, ROW_START)
  }

  beginRow(): void {
    this.#row = this.#newRow
    this.#next = 0
  }

  endRow(): void {
    const above = this.#above
    this.#above = this.#now
    this.#now = above.fill(0)
  }

  /** The next column of the row in which something stands; -1 at its end. */
  next(decoder: RangeDecoder): number {
    const live = this.#live
    const columns = this.#columns
    const stretched = this.#stretched
    const now = this.#now
    const aboves = this.#above
    const period = this.#period
    let row = this.#row
    for (let i = this.#next; i < live.length; i++) {
      const at = MARGIN + live[i]!
      const columnLevel = LEVEL[stretched[at]! + MOST_STRETCH]!
      const rowLevel = LEVEL[STRETCH[row >>> 16]! + MOST_STRETCH]!
      const left = now[at - 1]!
      const farLeft = now[at - 2]!
      const above = aboves[at]!
      let pattern = left | (farLeft << 1) | (above << 2)
      let few = left + farLeft + above
      let around = stretched[at - 1]! + stretched[at + 1]!
      if (period > 0) {
        const before = at - period
        const straight = now[before]!
        const toLeft = now[before - 1]!
        const toRight = now[before + 1]!
        pattern |= (straight << 3) | (toLeft << 4) | (toRight << 5)
        few += straight + toLeft + toRight
        around = (around + stretched[before]! + stretched[at + period]!) >> 2
      } else around >>= 1
      const inLines = LINES + LEVELS * columnLevel + rowLevel
      const inNeighbors = NEIGHBORS + LEVELS * pattern + columnLevel
      const inSurround = SURROUND + LEVELS * LEVEL[around + MOST_STRETCH]! + columnLevel
      const stands = this.#predictor.read(decoder, few, inLines, inNeighbors, inSurround)
      const one = stands === 1 ? ONE : 0
      row = learned(row, one, ROW_LIMIT)
      const column = learned(columns[at]!, one, COLUMN_LIMIT)
      columns[at] = column
      stretched[at] = STRETCH[column >>> 16]!
      now[at] = stands
      if (stands === 1) {
        this.#row = row
        this.#next = i + 1
        return at - MARGIN
      }
    }
    return -1
  }
}
