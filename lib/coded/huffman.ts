import { BitDecoder } from './bit_decoder.js'
import type { Taker } from './matrix.js'
import { PrefixCode } from './prefix_code.js'

const WIDTH_BITS = 4
const MOST_WIDTH = 8
const SHARED_BITS = 12

/** What is coded of a tensor before its rows. */
export interface HuffmanHead {
  readonly sparse: boolean
  /** The largest relative position: a filler, at which nothing stands. */
  readonly filler: number
  readonly gaps: PrefixCode | undefined
  /** Whether values are stored as float16. */
  readonly half: boolean
  /** The table of values and their codes, where there is one. */
  readonly shared: Uint32Array | undefined
  readonly values: PrefixCode | undefined
}

/** Reads a block of the profile `huffman`: as Deep Compression (Han, Mao and Dally 2016) stores networks. */
export class HuffmanBlock {
  readonly #decoder: BitDecoder

  constructor(bytes: Uint8Array, begin: number, end: number) {
    this.#decoder = new BitDecoder(bytes, begin, end)
  }

  head(): HuffmanHead {
    const decoder = this.#decoder
    const sparse = decoder.bit() === 1
    const width = sparse ? decoder.bits(WIDTH_BITS) : 0
    if (sparse && (width < 1 || width > MOST_WIDTH))
      decoder.refuse('a width of positions that is not in 1..8')
    const gaps = sparse ? new PrefixCode(decoder, 2 ** width) : undefined
    const isShared = decoder.bit() === 1
    const half = decoder.bit() === 1
    const shared = isShared ? new Uint32Array(decoder.bits(SHARED_BITS) + 1) : undefined
    for (let i = 0; shared !== undefined && i < shared.length; i++) shared[i] = this.#value(half)
    const values = shared && new PrefixCode(decoder, shared.length)
    return { sparse, filler: 2 ** width - 1, gaps, half, shared, values }
  }

  /** Reads `count` rows. */
  rows(head: HuffmanHead, columns: number, _first: number, count: number, taker: Taker): void {
    const decoder = this.#decoder
    const { gaps, filler, half, shared, values } = head
    const value = () => (shared && values ? shared[values.read(decoder)]! : this.#value(half))
    const size = count * columns
    const standing = gaps ? decoder.bits(32) : size
    if (standing > size) decoder.refuse('more values than a tensor has places')
    let row = 0
    for (let at = 0, left = standing; left > 0; at++, left--) {
      let gap = 0
      do {
        gap = gaps ? gaps.read(decoder) : 0
        at += gap
        if (at >= size) decoder.refuse('a position outside its tensor')
      } while (gaps && gap === filler)
      for (; at >= (row + 1) * columns; row++) taker.endRow()
      taker.put(at - row * columns, value())
    }
    for (; row < count; row++) taker.endRow()
  }

  /** Reads elements of `width` bytes that are not floats. */
  bytes(count: number, width: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count * width }, () => this.#decoder.bits(8))
  }

  /** Throws unless the block has been read to its end. */
  finish(): void {
    this.#decoder.finish()
  }

  #value(half: boolean): number {
    const value = half ? floatOfHalf(this.#decoder.bits(16)) : this.#decoder.bits(32)
    if ((value & 0x7fffffff) > 0x7f800000) this.#decoder.refuse('a value that is not a number')
    return value
  }
}

/** The bits of the float32 that a float16 stands for. */
function floatOfHalf(half: number): number {
  const sign = half & 0x8000 ? 0x80000000 : 0
  const exponent = (half >> 10) & 31
  const mantissa = half & 1023
  if (exponent === 31) return sign + 0x7f800000 + (mantissa << 13)
  if (exponent > 0) return sign + ((exponent + 112) << 23) + (mantissa << 13)
  if (mantissa === 0) return sign
  const shift = Math.clz32(mantissa) - 21
  return sign + ((113 - shift) << 23) + ((mantissa << (shift + 13)) & 0x7fffff)
}
