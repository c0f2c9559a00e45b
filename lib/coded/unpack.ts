import { damaged } from './damage.js'
import { readBit, readTree } from './floats.js'
import { DICTIONARY } from './layers/dictionary.js'
import { Counters } from './model.js'
import { RangeDecoder } from './range_decoder.js'

const LIMIT = 60
/** Bits of the number of bits of a length, and of a distance. */
export const LENGTH_DEPTH = 4
export const DISTANCE_DEPTH = 5
/** The shortest repetition at a new distance, and at the last one. */
export const SHORTEST = 4
export const SHORTEST_AGAIN = 2

/** The models of a packed text: what is repeated, and what the bytes are that are not. */
export class TextModels {
  readonly repeats = new Counters(2, LIMIT)
  readonly again = new Counters(1, LIMIT)
  readonly literals = new Counters(8 * 256, LIMIT)
  readonly lengths = new Counters(2 ** LENGTH_DEPTH, LIMIT)
  readonly distances = new Counters(2 ** DISTANCE_DEPTH, LIMIT)
}

/** The dictionary's bytes, which stand before every text. */
export const dictionary = new TextEncoder().encode(DICTIONARY)

/** Reads `length` bytes of text that are packed in the bytes from `begin` up to `end` of a file. */
export function unpack(file: Uint8Array, begin: number, end: number, length: number): string {
  const decoder = new RangeDecoder(file, begin, end)
  const models = new TextModels()
  const text = new Uint8Array(dictionary.length + length)
  text.set(dictionary)
  let distance = 1
  let repeated = 0
  for (let at = dictionary.length; at < text.length; ) {
    repeated = readBit(decoder, models.repeats, repeated)
    if (!repeated) {
      text[at] = readTree(decoder, models.literals, 256 * (text[at - 1]! >> 5), 8)
      at++
      continue
    }
    const again = readBit(decoder, models.again, 0)
    if (!again) distance = readNumber(decoder, models.distances, DISTANCE_DEPTH)
    const count = readNumber(decoder, models.lengths, LENGTH_DEPTH) - 1 + (again ? SHORTEST_AGAIN : SHORTEST)
    if (distance > at || at + count > text.length) decoder.refuse('a repetition of nothing')
    for (const stop = at + count; at < stop; at++) text[at] = text[at - distance]!
  }
  decoder.finish()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text.subarray(dictionary.length))
  } catch {
    return damaged('a description that is no text', begin)
  }
}

/** A number of 1 or more: first how many bits it has, and then those after its highest. */
function readNumber(decoder: RangeDecoder, counters: Counters, depth: number): number {
  const bits = readTree(decoder, counters, 0, depth)
  return 2 ** bits + decoder.bits(bits)
}
