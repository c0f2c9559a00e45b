import type { BitDecoder } from './bit_decoder.js'

const LONGEST = 15
const LENGTH_BITS = 4

/**
 * The canonical Huffman code of lengths: codes of a length are in the order of their symbols, and follow the shorter
 * ones.
 */
export class PrefixCode {
  // For each length its first code, how many codes it has, and where its symbols begin.
  readonly #first = new Uint32Array(LONGEST + 1)
  readonly #count = new Uint32Array(LONGEST + 1)
  readonly #begin = new Uint32Array(LONGEST + 1)
  readonly #symbols: Uint16Array

  /** Reads the lengths of so many symbols; a length of 0 belongs to a symbol that does not occur. */
  constructor(decoder: BitDecoder, symbols: number) {
    const lengths = Uint8Array.from({ length: symbols }, () => decoder.bits(LENGTH_BITS))
    for (const length of lengths) this.#count[length]!++
    this.#count[0] = 0
    for (let length = 1, code = 0; length <= LONGEST; length++) {
      code = (code + this.#count[length - 1]!) << 1
      this.#first[length] = code
      this.#begin[length] = this.#begin[length - 1]! + this.#count[length - 1]!
      if (code + this.#count[length]! > 2 ** length)
        decoder.refuse('lengths of codes that do not fit together')
    }
    const next = this.#begin.slice()
    this.#symbols = new Uint16Array(symbols)
    lengths.forEach((length, symbol) => {
      if (length > 0) this.#symbols[next[length]!++] = symbol
    })
  }

  read(decoder: BitDecoder): number {
    for (let length = 1, code = 0; length <= LONGEST; length++) {
      code = (code << 1) | decoder.bit()
      const place = code - this.#first[length]!
      if (place >= 0 && place < this.#count[length]!) return this.#symbols[this.#begin[length]! + place]!
    }
    return decoder.refuse('a code that stands for nothing')
  }
}
