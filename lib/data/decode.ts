import { readFile } from 'node:fs/promises'
import type { Metadata } from 'sharp'
import { loadAddon } from '../binding/addon.js'

// PIL's limit, so that sharp refuses a bomb before it decodes one.
const MOST_PIXELS = 178_956_970

let ready = false

/**
 * Lets the addon's decoding threads ask sharp for what they do not decode themselves: every format but JPEG, and
 * JPEG where there is no libjpeg-turbo.
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
  // sharp takes paths as text alone.
  const text = Buffer.from(path).toString()
  const input = Buffer.from(text).equals(path) ? text : await readFile(Buffer.from(path))
  // As PIL's convert('RGB'): profiles are not applied, an alpha channel is dropped, not blended.
  const image = sharp(input, { ignoreIcc: true, limitInputPixels: MOST_PIXELS, failOn: 'truncated' })
  // The addon turns inks into colours as PIL does.
  const metadata = await image.metadata()
  const inks = metadata.space === 'cmyk'
  const needed = bytesToDecode(metadata, inks ? 4 : 3)
  if (needed > memory) throw new TooLarge(needed, memory)
  const colours = inks
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb').removeAlpha()
  return colours.raw().toBuffer({ resolveWithObject: true })
}

/** A picture that would take more memory than it may. A few kilobytes of PNG can hold a gigabyte. */
class TooLarge extends Error {
  constructor(needed: number, allowed: number) {
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`
    super(
      `takes about ${megabytes(needed)} to decode, more than the ${megabytes(allowed)} allowed: raise decodeMemory, or make it smaller`,
    )
  }
}

const BYTES: Readonly<Record<string, number>> = { ushort: 2, short: 2, uint: 4, int: 4, float: 4, double: 8 }

/** The picture as it is in the file, and what becomes of it twice: once sharp's, once the addon's. */
function bytesToDecode(metadata: Metadata, channels: number): number {
  const { width = 0, height = 0, depth = 'uchar' } = metadata
  return width * height * ((metadata.channels ?? channels) * (BYTES[depth] ?? 1) + 2 * channels)
}

function reason(error: unknown): string {
  if (error instanceof TooLarge) return error.message
  const message = error instanceof Error ? error.message : String(error)
  return `is not an image that can be decoded (${message.replace(/\s+/g, ' ').trim()})`
}
