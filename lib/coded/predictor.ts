import { learned, ONE, STRETCH, squash } from './model.js'
import type { RangeDecoder } from './range_decoder.js'

const INPUTS = 3
/** The most that its counters count. */
const LIMIT = 1023
const MOST_WEIGHT = 2 ** 18 - 1
/** A higher shift learns more slowly. */
const SHIFT = 14
const HALF = 1 << (SHIFT - 1)

/**
 * Reads bits that up to three counters predict together: their logarithms of odds are weighed, by one of some sets of
 * weights, and both learn from the bit. Nearly all of the time that a file takes to decode is spent here, and most files
 * are decoded once, before the engine has compiled much: so this is one function, and all that it learns lies in one
 * array.
 */
export class Predictor {
  /** The counters, and behind them the weights. */
  readonly #cells: Int32Array
  readonly #weights: number

  /**
   * @param counters what the counters are at first
   * @param weight what the weights are at first, in 1/65536
   */
  constructor(counters: Int32Array, sets: number, weight: number) {
    this.#weights = counters.length
    this.#cells = new Int32Array(counters.length + INPUTS * sets)
    this.#cells.set(counters)
    this.#cells.fill(weight, counters.length)
  }

  /** A bit that the counters at the places `a`, `b`, and, unless it is below 0, `c`, predict by the weights of `set`. */
  read(decoder: RangeDecoder, set: number, a: number, b: number, c: number): number {
    const cells = this.#cells
    const weights = this.#weights + INPUTS * set
    const counterA = cells[a]!
    const counterB = cells[b]!
    const counterC = c < 0 ? 0 : cells[c]!
    const stretchedA = STRETCH[counterA >>> 16]!
    const stretchedB = STRETCH[counterB >>> 16]!
    const stretchedC = c < 0 ? 0 : STRETCH[counterC >>> 16]!
    const weightA = cells[weights]!
    const weightB = cells[weights + 1]!
    const weightC = cells[weights + 2]!
    const sum =
      (Math.imul(stretchedA, weightA) >> 4) +
      (Math.imul(stretchedB, weightB) >> 4) +
      (Math.imul(stretchedC, weightC) >> 4)
    const probability = squash(sum >> 12)
    const bit = decoder.bit(probability)
    const error = ((bit << 16) - probability) >> 2
    cells[weights] = moved(weightA, Math.imul(stretchedA, error))
    cells[weights + 1] = moved(weightB, Math.imul(stretchedB, error))
    cells[weights + 2] = moved(weightC, Math.imul(stretchedC, error))
    const one = bit === 1 ? ONE : 0
    cells[a] = learned(counterA, one, LIMIT)
    cells[b] = learned(counterB, one, LIMIT)
    if (c >= 0) cells[c] = learned(counterC, one, LIMIT)
    return bit
  }
}

function moved(weight: number, step: number): number {
  return Math.max(-MOST_WEIGHT, Math.min(weight + ((step + HALF) >> SHIFT), MOST_WEIGHT))
}
