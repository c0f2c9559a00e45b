const LEAST_RANGE = 2 ** 24
const CARRY = 2 ** 32
/** At most so many zeros at the end of a stream are left out. */
const IMPLIED = 4

/** Writes bits by their probabilities, for `RangeDecoder`. native/coded/range_coder.h does the same for weights. */
export class RangeEncoder {
  readonly #bytes: number[] = []
  #low = 0
  #range = 0xffffffff
  #cache = 0
  /** Bytes of 255 after the cached one, which a carry would turn into 0. */
  #pending = 0
  #started = false

  /** A bit that is 1 with a probability of `probability` in 65536. */
  bit(bit: number, probability: number): void {
    const bound = (this.#range >>> 16) * probability
    if (bit) this.#range = bound
    else {
      this.#low += bound
      this.#range -= bound
    }
    while (this.#range < LEAST_RANGE) this.#shift()
  }

  /** Up to 32 bits that are equally likely to be 0 and 1. */
  bits(value: number, count: number): void {
    for (let left = count; left > 0; ) {
      const now = Math.min(left, 8)
      left -= now
      this.#range >>>= now
      this.#low += this.#range * (Math.floor(value / 2 ** left) % 2 ** now)
      while (this.#range < LEAST_RANGE) this.#shift()
    }
  }

  finish(): Uint8Array {
    // The roundest number in the range: zeros at the end need not be stored.
    for (let unit = CARRY; unit > 1; unit /= 2) {
      const round = Math.ceil(this.#low / unit) * unit
      if (round >= this.#low + this.#range) continue
      this.#low = round
      break
    }
    for (let i = 0; i < 5; i++) this.#shift()
    const bytes = this.#bytes
    for (let i = 0; i < IMPLIED && bytes.at(-1) === 0; i++) bytes.pop()
    return Uint8Array.from(bytes)
  }

  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= CARRY) {
      const carry = this.#low >= CARRY ? 1 : 0
      // The first byte that would be written is always 0.
      if (this.#started) this.#bytes.push((this.#cache + carry) & 255)
      this.#started = true
      for (; this.#pending > 0; this.#pending--) this.#bytes.push((255 + carry) & 255)
      this.#cache = Math.floor(this.#low / 2 ** 24) & 255
    } else this.#pending++
    this.#range *= 256
    this.#low = (this.#low % 2 ** 24) * 256
  }
}
