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
  native.setForeignDecoder((id, path) => {
    decode(path).then(
      ({ data, info }) => native.foreignDecoded(id, data, info.width, info.height, info.channels),
      (error: unknown) => native.foreignDecoded(id, reason(error)),
    )
  })
}

async function decode(path: string) {
  const { default: sharp } = await import('sharp')
  // As PIL's convert('RGB'): profiles are not applied, an alpha channel is dropped, not blended.
  const image = sharp(path, { ignoreIcc: true, limitInputPixels: MOST_PIXELS, failOn: 'truncated' })
  // The addon turns inks into colours as PIL does.
  const inks = (await image.metadata()).space === 'cmyk'
  const colours = inks
    ? image.pipelineColourspace('cmyk').toColourspace('cmyk')
    : image.toColourspace('srgb').removeAlpha()
  return colours.raw().toBuffer({ resolveWithObject: true })
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return `is not an image that can be decoded (${message.replace(/\s+/g, ' ').trim()})`
}
