import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'

/**
 * Bytes to hash or write at once. This takes a fraction of a millisecond, so the event loop keeps running in between.
 */
export const PIECE_BYTES = 2 ** 20

/** The CRC-32 of bytes, or of a text in UTF-8, as 8 hexadecimal digits. */
export function checksum(data: Uint8Array | string): string {
  return digits(crc32(data))
}

/** The same checksum for large data, computed without blocking the event loop. */
export async function checksumOf(bytes: Uint8Array): Promise<string> {
  let sum = 0
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (at > 0) await setImmediate()
    sum = crc32(bytes.subarray(at, at + PIECE_BYTES), sum)
  }
  return digits(sum)
}

/** Passes bytes to `use` piece by piece, and returns their checksum. */
export async function checksumWhile(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  use: (piece: Uint8Array) => Promise<void>,
): Promise<string> {
  let sum = 0
  for await (const piece of pieces) {
    sum = crc32(piece, sum)
    await use(piece)
  }
  return digits(sum)
}

/** Passes pieces on, and calls `differs` after the last one if their checksum is not the expected one. */
export async function* withChecksum(
  pieces: AsyncIterable<Uint8Array>,
  expected: string | undefined,
  differs: () => never,
): AsyncGenerator<Uint8Array, void, void> {
  let sum = 0
  for await (const piece of pieces) {
    sum = crc32(piece, sum)
    yield piece
  }
  if (digits(sum) !== expected) differs()
}

/** Splits bytes into pieces that are small enough not to block the event loop. */
export function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}

function digits(sum: number): string {
  return sum.toString(16).padStart(8, '0')
}
