import { damaged } from './damage.js'

/** At most so many zeros at the end of a stream are left out. */
const IMPLIED = 4

/** Reads bits that were coded by their probabilities (docs/coded-format.md). */
export class RangeDecoder {
  // Numbers of 32 bits without a sign, which are held with one: so engines keep them as whole numbers.
  #range = -1
  #code = 0
  #at: number

  /** Reads the bytes from `begin` up to `end` of a file. */
  constructor(
    readonly bytes: Uint8Array,
    begin: number,
    readonly end: number,
  ) {
    this.#at = begin
    for (let i = 0; i < 4; i++) this.#code = (this.#code << 8) | this.#next()
  }

  /** A bit that is 1 with a probability of `probability` in 65536. */
  bit(probability: number): number {
    const range = this.#range >>> 0
    const code = this.#code >>> 0
    const bound = Math.imul(range >>> 16, probability) >>> 0
    const bit = code < bound ? 1 : 0
    if (bit === 1) {
      this.#range = bound | 0
    } else {
      this.#code = (code - bound) | 0
      this.#range = (range - bound) | 0
    }
    while (this.#range >>> 24 === 0) this.#shift()
    return bit
  }

  /** Up to 32 bits that are equally likely to be 0 and 1. */
  bits(count: number): number {
    let value = 0
    for (let left = count; left > 0; left -= 8) {
      const now = Math.min(left, 8)
      this.#range >>>= now
      const bits = Math.floor((this.#code >>> 0) / this.#range)
      if (bits >= 2 ** now) this.refuse('a code that stands for nothing')
      this.#code = ((this.#code >>> 0) - bits * this.#range) | 0
      while (this.#range >>> 24 === 0) this.#shift()
      value = value * 2 ** now + bits
    }
    return value
  }

  /** Rejects the stream at the byte that is read next. */
  refuse(what: string): never {
    return damaged(what, this.#at)
  }

  /** Throws unless the stream has been read to its end. */
  finish(): void {
    if (this.#at < this.end) this.refuse('bytes that belong to nothing')
  }

  #shift(): void {
    this.#range <<= 8
    this.#code = (this.#code << 8) | this.#next()
  }

  #next(): number {
    const at = this.#at++
    if (at < this.end) return this.bytes[at]!
    if (at >= this.end + IMPLIED) damaged('a block that ends too early', this.end)
    return 0
  }
}
