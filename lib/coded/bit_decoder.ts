import { damaged } from './damage.js'

/** Reads bits, the highest of each byte first. */
export class BitDecoder {
  #at: number
  #held = 0
  #count = 0

  /** Reads the bytes from `begin` up to `end` of a file. */
  constructor(
    readonly bytes: Uint8Array,
    begin: number,
    readonly end: number,
  ) {
    this.#at = begin
  }

  bit(): number {
    if (this.#count === 0) {
      if (this.#at === this.end) this.refuse('a block that ends too early')
      this.#held = this.bytes[this.#at++]!
      this.#count = 8
    }
    return (this.#held >> --this.#count) & 1
  }

  /** Up to 32 bits as a number. */
  bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) value = value * 2 + this.bit()
    return value
  }

  /** Rejects the stream at the byte that is read next. */
  refuse(what: string): never {
    return damaged(what, this.#at)
  }

  /** Throws unless the stream has been read to its end, and its last bits are 0. */
  finish(): void {
    if (this.#at < this.end || (this.#held & ((1 << this.#count) - 1)) !== 0)
      this.refuse('bytes that belong to nothing')
  }
}
