import type { Counters } from '../../coded/model.js'
import {
  DISTANCE_DEPTH,
  dictionary,
  LENGTH_DEPTH,
  SHORTEST,
  SHORTEST_AGAIN,
  TextModels,
} from '../../coded/unpack.js'
import { RangeEncoder } from './range_encoder.js'

const LONGEST = 2 ** 15
/** How many earlier places are compared with. */
const TRIES = 256

/** Packs a text for `unpack()`. What the format's dictionary or the text itself held before is said by its place. */
export function pack(text: string): Uint8Array {
  const own = new TextEncoder().encode(text)
  const bytes = new Uint8Array(dictionary.length + own.length)
  bytes.set(dictionary)
  bytes.set(own, dictionary.length)
  const writer = new TextWriter()
  const places = new Places(bytes)
  let distance = 1
  let at = 0
  const move = (to: number) => {
    for (; at < to; at++) places.add(at)
  }
  move(dictionary.length)
  while (at < bytes.length) {
    const again = matchAt(bytes, at, distance)
    const found = places.find(at)
    // A new distance costs about three bytes.
    if (again >= SHORTEST_AGAIN && again + 6 >= found.length) {
      writer.repeat(again - SHORTEST_AGAIN, undefined)
      move(at + again)
    } else if (found.length >= SHORTEST) {
      distance = found.distance
      writer.repeat(found.length - SHORTEST, distance)
      move(at + found.length)
    } else {
      writer.literal(bytes[at]!, bytes[at - 1]!)
      move(at + 1)
    }
  }
  return writer.finish()
}

/** How many bytes are the same as those at a distance before them. */
function matchAt(bytes: Uint8Array, at: number, distance: number): number {
  let length = 0
  const most = Math.min(LONGEST, bytes.length - at)
  while (length < most && bytes[at + length] === bytes[at + length - distance]) length++
  return length
}

/** Where groups of bytes stood before. */
class Places {
  readonly #places = new Map<number, number[]>()

  constructor(readonly bytes: Uint8Array) {}

  add(at: number): void {
    const places = this.#places.get(this.#key(at))
    if (places) places.push(at)
    else this.#places.set(this.#key(at), [at])
  }

  /** The longest repetition of what was before; the nearest of equally long ones. */
  find(at: number): { readonly length: number; readonly distance: number } {
    let best = { length: 0, distance: 1 }
    const places = this.#places.get(this.#key(at)) ?? []
    for (const place of places.slice(-TRIES).reverse()) {
      const length = matchAt(this.bytes, at, at - place)
      if (length > best.length) best = { length, distance: at - place }
    }
    return best
  }

  #key(at: number): number {
    const { bytes } = this
    return (
      (bytes[at]! << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    )
  }
}

/** Writes what a packed text is made of. */
class TextWriter {
  readonly #encoder = new RangeEncoder()
  readonly #models = new TextModels()
  #repeated = 0

  literal(byte: number, before: number): void {
    this.#begin(0)
    this.#tree(this.#models.literals, 256 * (before >> 5), 8, byte)
  }

  /** @param distance undefined for that of the repetition before */
  repeat(longer: number, distance: number | undefined): void {
    this.#begin(1)
    this.#bit(this.#models.again, 0, distance === undefined ? 1 : 0)
    if (distance !== undefined) this.#number(this.#models.distances, DISTANCE_DEPTH, distance)
    this.#number(this.#models.lengths, LENGTH_DEPTH, longer + 1)
  }

  finish(): Uint8Array {
    return this.#encoder.finish()
  }

  #begin(repeated: number): void {
    this.#bit(this.#models.repeats, this.#repeated, repeated)
    this.#repeated = repeated
  }

  #number(counters: Counters, depth: number, value: number): void {
    const bits = 31 - Math.clz32(value)
    this.#tree(counters, 0, depth, bits)
    this.#encoder.bits(value - 2 ** bits, bits)
  }

  #tree(counters: Counters, base: number, depth: number, value: number): void {
    for (let i = depth - 1, node = 1; i >= 0; i--) {
      const bit = (value >> i) & 1
      this.#bit(counters, base + node, bit)
      node = node * 2 + bit
    }
  }

  #bit(counters: Counters, context: number, bit: number): void {
    this.#encoder.bit(bit, counters.probability(context))
    counters.update(context, bit)
  }
}
