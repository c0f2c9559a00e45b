import { createHash } from 'node:crypto'
import type { RenderFunction } from '@observablehq/plot'
import { color } from '../palette.js'
import { createSvg, type SvgDocument } from '../svg.js'

/**
 * A mark that fills the chart with one color, with an opacity given by a grayscale image. This way, an image of many
 * cells also follows the reader's color scheme.
 */
export function maskedImage(
  png: Buffer,
  fill: string,
  { pixelated = false }: { pixelated?: boolean } = {},
): RenderFunction {
  return (
    _index,
    _scales,
    _values,
    { width, height, marginTop, marginRight, marginBottom, marginLeft },
    context,
  ) => {
    const { document } = context as unknown as { document: SvgDocument }
    const place = {
      x: marginLeft,
      y: marginTop,
      width: width - marginLeft - marginRight,
      height: height - marginTop - marginBottom,
    }
    const image = createSvg(document, 'image', {
      href: `data:image/png;base64,${png.toString('base64')}`,
      preserveAspectRatio: 'none',
      ...place,
      ...(pixelated && { style: 'image-rendering:pixelated' }),
    })
    // IDs must be unique in a page, so the image's own bytes name its mask.
    const id = `mask-${createHash('sha256').update(png).digest('hex').slice(0, 16)}`
    const parts = [
      createSvg(document, 'mask', { id, maskUnits: 'userSpaceOnUse', ...place }, [image]),
      createSvg(document, 'rect', { ...place, fill, mask: `url(#${id})` }),
      createSvg(document, 'rect', { ...place, fill: 'none', stroke: color('line') }),
    ]
    return createSvg(document, 'g', {}, parts) as never
  }
}
