import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

/** What to generate. */
export interface PictureOptions {
  readonly classes: number
  /** The number of training images per class. */
  readonly train: number
  /** The number of validation images per class. */
  readonly held: number
  /** The length of the longer side, in pixels. */
  readonly side: number
}

/**
 * Writes JPEG files in ImageNet's layout, `train/<class>/…` and `val/<class>/…`. Each class has a color and a direction
 * of stripes, while the stripes' width and position vary, so that there is something to learn. The files are the same
 * every time.
 */
export async function writePictures(dir: string, options: PictureOptions): Promise<void> {
  const { classes, train, held, side } = options
  for (const [part, count] of Object.entries({ train, val: held })) {
    for (let label = 0; label < classes; label++) {
      const folder = join(dir, part, `class-${String(label).padStart(3, '0')}`)
      await mkdir(folder, { recursive: true })
      for (let i = 0; i < count; i++) {
        const number = part === 'train' ? i : train + i
        const svg = picture(label / classes, number, side)
        await sharp(Buffer.from(svg))
          .jpeg()
          .toFile(join(folder, `${String(i).padStart(4, '0')}.jpg`))
      }
    }
  }
}

function picture(share: number, number: number, side: number): string {
  const width = 4 + (number % 5) * 2
  const [hue, angle] = [Math.round(360 * share), Math.round(180 * share)]
  const short = side - (number % 3) * Math.floor(side / 8)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${number % 2 ? short : side}" height="${number % 2 ? side : short}">
<defs><pattern id="p" width="${2 * width}" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(${angle}) translate(${number})">
<rect width="${width}" height="9" fill="hsl(${hue}, 80%, 60%)"/></pattern></defs>
<rect width="100%" height="100%" fill="hsl(${hue}, 30%, 25%)"/><rect width="100%" height="100%" fill="url(#p)"/></svg>`
}
