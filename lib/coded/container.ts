import { damaged } from './damage.js'
import { type Description, parseDescription, sizeOf } from './description.js'
import { unpack } from './unpack.js'

/** How weights are coded: as in Deep Compression, or as small as possible. */
export type Profile = 'huffman' | 'compact'

/** The first bytes of every coded file. */
export const MAGIC = [0x54, 0x50, 0x5a] as const
export const VERSION = 2
/** By their numbers in files. */
export const PROFILES: readonly Profile[] = ['huffman', 'compact']
/** Bytes of the checksum at the end. */
export const SUM_BYTES = 4
/** The bytes before the description are at most so many. */
export const START_BYTES = 4 + 2 * 8
/** The largest description, as text. */
const MOST_TEXT = 2 ** 20
/** A byte of a file may describe so many elements: whoever declares a large network has to bring a large file. */
export const ELEMENTS_PER_BYTE = 2 ** 14
/** The most elements of a file, unless its reader allows more. */
export const MOST_ELEMENTS = 2 ** 30

/** What comes before a file's description. */
export interface Start {
  readonly profile: Profile
  /** The bytes of the description, as text and as packed. */
  readonly textLength: number
  readonly packedLength: number
  /** Where it begins. */
  readonly at: number
}

/** Reads what comes before the description from the first bytes of a file of `fileLength` bytes. */
export function readStart(bytes: Uint8Array, fileLength: number): Start {
  if (MAGIC.some((byte, i) => bytes[i] !== byte))
    damaged('something other than "TPZ", with which coded files begin,', 0)
  if (fileLength < MAGIC.length + 3 + SUM_BYTES) damaged('an early end', fileLength)
  const [version, number] = [bytes[3]! >> 4, bytes[3]! & 15]
  if (version !== VERSION) damaged(`version ${version}, which this reader does not know,`, 3)
  const profile = PROFILES[number] ?? damaged(`profile ${number}, which this reader does not know,`, 3)
  const [textLength, next] = readVarint(bytes, 4, fileLength)
  if (textLength > MOST_TEXT) damaged(`a description of ${textLength} bytes, over ${MOST_TEXT},`, 4)
  const [packedLength, at] = readVarint(bytes, next, fileLength)
  if (packedLength > fileLength - SUM_BYTES - at) damaged('a description that ends after it', next)
  return { profile, textLength, packedLength, at }
}

/**
 * Reads the description from bytes that hold at least all of it, and refuses one of more elements than the file is long
 * enough for.
 */
export function readDescription(
  bytes: Uint8Array,
  { at, packedLength, textLength }: Start,
  fileLength: number,
  mostElements = MOST_ELEMENTS,
): Description {
  const description = parseDescription(unpack(bytes, at, at + packedLength, textLength), at)
  const elements = description.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  if (elements > mostElements)
    damaged(`tensors of ${elements} elements, over the limit of ${mostElements},`, at)
  if (elements > ELEMENTS_PER_BYTE * fileLength)
    damaged(`tensors of ${elements} elements, too many for its ${fileLength} bytes,`, at)
  return description
}

/**
 * Reads a whole number of 7 bits a byte, the lowest first; returns it and the place after it.
 *
 * @param base where the bytes are in their file
 */
export function readVarint(
  bytes: Uint8Array,
  at: number,
  end: number,
  base = 0,
): readonly [value: number, after: number] {
  let value = 0
  for (let i = 0; i < 7; i++) {
    const byte = at + i < Math.min(end, bytes.length) ? bytes[at + i]! : damaged('an early end', base + end)
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) {
      if (byte === 0 && i > 0) damaged('a number with zeros before it', base + at)
      return [value, at + i + 1]
    }
  }
  return damaged('a number of more than 49 bits', base + at)
}

/** Checks that what is left between the last block and the checksum are zeros. */
export function checkPadding(bytes: Uint8Array, at: number, end: number, base = 0): void {
  for (let i = at; i < end; i++) if (bytes[i] !== 0) damaged('bytes that belong to nothing', base + i)
}
