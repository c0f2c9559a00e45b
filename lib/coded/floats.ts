import { Counters } from './model.js'
import type { RangeDecoder } from './range_decoder.js'

const LIMIT = 255

/** A number of `depth` bits, the highest first, each by a counter of those before it, from `base` on. */
export function readTree(decoder: RangeDecoder, counters: Counters, base: number, depth: number): number {
  let node = 1
  for (let i = 0; i < depth; i++) {
    const bit = decoder.bit(counters.probability(base + node))
    counters.update(base + node, bit)
    node = node * 2 + bit
  }
  return node - 2 ** depth
}

/** A bit by one counter. */
export function readBit(decoder: RangeDecoder, counters: Counters, context: number): number {
  const bit = decoder.bit(counters.probability(context))
  counters.update(context, bit)
  return bit
}

/** Floats, of which the first bits are modelled. */
export class Floats {
  readonly #isZero = new Counters(2, LIMIT)
  readonly #sign = new Counters(2, LIMIT)
  readonly #exponent = new Counters(256, LIMIT)
  readonly #mantissa = new Counters(8, LIMIT)

  /** The bits of a float32 whose last `zeros` bits are 0. `before` is the float before it. */
  read(decoder: RangeDecoder, zeros: number, before: number): number {
    if (readBit(decoder, this.#isZero, before === 0 ? 1 : 0)) return 0
    const sign = readBit(decoder, this.#sign, before >>> 31)
    const exponent = readTree(decoder, this.#exponent, 0, 8)
    const width = 23 - zeros
    const modelled = Math.min(width, 3)
    const first = readTree(decoder, this.#mantissa, 0, modelled)
    const rest = width - modelled
    const mantissa = (first << rest) | decoder.bits(rest)
    if (exponent === 255 && mantissa !== 0) decoder.refuse('a value that is not a number')
    return ((sign << 31) | (exponent << 23) | (mantissa << zeros)) >>> 0
  }
}

/** The values of a tensor without a table, one after the other. */
export class LoneValues {
  readonly #floats: Floats
  readonly #zeros: number
  #before = 0

  constructor(floats: Floats, zeros: number) {
    this.#floats = floats
    this.#zeros = zeros
  }

  beginRow(): void {}

  read(decoder: RangeDecoder): number {
    this.#before = this.#floats.read(decoder, this.#zeros, this.#before)
    return this.#before
  }
}
