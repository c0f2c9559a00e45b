import { NEW_COUNTER } from './model.js'
import { MOST_PERIOD } from './places.js'
import { Predictor } from './predictor.js'
import type { RangeDecoder } from './range_decoder.js'

const BUCKETS = 9
const MOST_DEPTH = 16

/** A sum of signs around, from -7 to 7. */
const MOST_SIGNS = 7
const SIGNS = 2 * MOST_SIGNS + 1
/** Before the first column and after the last nothing has a sign. */
const MARGIN = 2 * MOST_PERIOD + 2

/**
 * Values of a small table, by their places in it, each predicted from the one before it in its row, and, where columns
 * have a period, from the signs of those around it.
 */
export class SharedValues {
  readonly #table: Uint32Array
  readonly #depth: number
  readonly #predictor: Predictor
  /** Where the counters begin that know the value before, and those that know the signs. */
  readonly #byLeft: number
  readonly #bySigns: number
  #left = 0
  readonly #period: number
  readonly #signs: Int8Array

  constructor(table: Uint32Array, period: number, columns: number) {
    this.#table = table
    this.#period = period
    this.#depth = 32 - Math.clz32(table.length - 1)
    const nodes = 2 ** this.#depth
    this.#byLeft = nodes
    this.#bySigns = this.#byLeft + nodes * BUCKETS
    const counters = new Int32Array(this.#bySigns + (period > 0 ? nodes * SIGNS : 0))
    this.#predictor = new Predictor(counters.fill(NEW_COUNTER), MOST_DEPTH, Math.floor(65536 / 2))
    this.#signs = new Int8Array(period > 0 ? columns + 2 * MARGIN : 0)
  }

  beginRow(): void {
    this.#left = 0
    this.#signs.fill(0)
  }

  read(decoder: RangeDecoder, column: number): number {
    const looks = this.#period > 0
    const around = looks ? this.#signsAround(column) : 0
    let node = 1
    for (let level = 1; level <= this.#depth; level++) {
      const left = this.#byLeft + node * BUCKETS + this.#left
      const signs = looks ? this.#bySigns + node * SIGNS + around : -1
      const bit = this.#predictor.read(decoder, level, node, left, signs)
      node = node * 2 + bit
    }
    const place = node - 2 ** this.#depth
    const { length } = this.#table
    if (place >= length) decoder.refuse('a value outside its table')
    this.#left = 1 + Math.floor((place * 8) / length)
    const value = this.#table[place]!
    if (looks) this.#signs[MARGIN + column] = value << 1 === 0 ? 0 : value >>> 31 ? -1 : 1
    return value
  }

  /** The signs of those before it in its row and of those one and two periods before, nearer ones twice. */
  #signsAround(column: number): number {
    const at = MARGIN + column
    const before = at - this.#period
    const far = before - this.#period
    const signs = this.#signs
    const near = signs[at - 1]! + signs[before - 1]! + signs[before]! + signs[before + 1]!
    const others =
      signs[at - 2]! +
      signs[before - 2]! +
      signs[before + 2]! +
      signs[far - 1]! +
      signs[far]! +
      signs[far + 1]!
    return Math.max(-MOST_SIGNS, Math.min(2 * near + others, MOST_SIGNS)) + MOST_SIGNS
  }
}
