import { Counters, Mixer, STRETCH } from './model.js'
import type { RangeDecoder } from './range_decoder.js'

const BUCKETS = 9
const SHIFT = 15
const LIMIT = 1023
const MOST_DEPTH = 16

/** Values of a small table, by their places in it, each predicted from the one before it in its row. */
export class SharedValues {
  readonly #table: Uint32Array
  readonly #depth: number
  readonly #plain: Counters
  readonly #byLeft: Counters
  readonly #mixer = new Mixer(MOST_DEPTH, Math.floor(65536 / 2), SHIFT)
  #left = 0

  constructor(table: Uint32Array) {
    this.#table = table
    this.#depth = 32 - Math.clz32(table.length - 1)
    const nodes = 2 ** this.#depth
    this.#plain = new Counters(nodes, LIMIT)
    this.#byLeft = new Counters(nodes * BUCKETS, LIMIT)
  }

  beginRow(): void {
    this.#left = 0
  }

  read(decoder: RangeDecoder): number {
    let node = 1
    for (let level = 1; level <= this.#depth; level++) {
      const left = node * BUCKETS + this.#left
      const probability = this.#mixer.mix(
        level,
        STRETCH[this.#plain.probability(node)]!,
        STRETCH[this.#byLeft.probability(left)]!,
      )
      const bit = decoder.bit(probability)
      this.#mixer.update(bit)
      this.#plain.update(node, bit)
      this.#byLeft.update(left, bit)
      node = node * 2 + bit
    }
    const place = node - 2 ** this.#depth
    const { length } = this.#table
    if (place >= length) decoder.refuse('a value outside its table')
    this.#left = 1 + Math.floor((place * 8) / length)
    return this.#table[place]!
  }
}
