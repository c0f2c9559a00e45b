import { readFile } from 'node:fs/promises'
import type { Metadata } from 'sharp'
import { messageOf } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'

// PIL's limit, so that sharp rejects a decompression bomb before it decodes it.
const MOST_PIXELS = 178_956_970

let ready = false

/**
 * Lets the addon's decoding threads ask sharp to decode what they cannot decode themselves: every format except JPEG,
 * and also JPEG if there is no libjpeg-turbo.
 */
export function enableForeignImages(): void {
  if (ready) return
  ready = true
  const native = loadAddon()
  native.setForeignDecoder((id, path, memory) => {
    decode(path, memory).then(
      ({ data, info }) => native.foreignDecoded(id, data, info.width, info.height, info.channels),
      (error: unknown) => native.foreignDecoded(id, reason(error)),
    )
  })
}

async function decode(path: Uint8Array, memory: number) {
  const { default: sharp } = await import('sharp')
  // sharp takes paths only as text.
  const text = Buffer.from(path).toString()
  const input = Buffer.from(text).equals(path) ? text : await readFile(Buffer.from(path))
  // Like PIL's convert('RGB'): color profiles are not applied, and an alpha channel is dropped, not blended.
  const image = sharp(input, { ignoreIcc: true, limitInputPixels: MOST_PIXELS, failOn: 'truncated' })
  // The addon converts inks to colors as PIL does.
  const metadata = await image.metadata()
  const inks = metadata.space === 'cmyk'
  const needed = bytesToDecode(metadata, inks ? 4 : 3)
  if (needed > memory) throw new TooLarge(needed, memory)
  const colors = inks
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb').removeAlpha()
  return colors.raw().toBuffer({ resolveWithObject: true })
}

/** An image that would take more memory than allowed. A few kilobytes of PNG can hold a gigabyte. */
class TooLarge extends Error {
  constructor(needed: number, allowed: number) {
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`
    super(
      `takes about ${megabytes(needed)} to decode, more than the ${megabytes(allowed)} allowed: raise decodeMemory, or make it smaller`,
    )
  }
}

const BYTES: Readonly<Record<string, number>> = { ushort: 2, short: 2, uint: 4, int: 4, float: 4, double: 8 }

/** The memory for the image as it is in the file, and for two copies of the result: sharp's and the addon's. */
function bytesToDecode(metadata: Metadata, channels: number): number {
  const { width = 0, height = 0, depth = 'uchar' } = metadata
  return width * height * ((metadata.channels ?? channels) * (BYTES[depth] ?? 1) + 2 * channels)
}

function reason(error: unknown): string {
  if (error instanceof TooLarge) return error.message
  const message = messageOf(error)
  return `is not an image that can be decoded (${message.replace(/\s+/g, ' ').trim()})`
}
