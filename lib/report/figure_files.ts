import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { makeFolder, writeAtomically, writeTextAtomically } from '../base/atomic.js'
import { FIGURES_FOLDER } from '../runs/files.js'
import type { Figure } from './figure.js'
import { outlineText } from './outline.js'
import { inLightColors, paletteCss } from './palette.js'

const FONTS = "system-ui,'Liberation Sans','DejaVu Sans',sans-serif"
/** Pixels of an image for each unit of a drawing. */
const SCALE = 2.5

/**
 * Writes each figure as `figures/<id>.svg`, which follows the viewer's colour scheme, and as `<id>.png`, light.
 * @throws ERR_OUTPUT when a file cannot be written
 */
export async function writeFigures(dir: string, figures: readonly Figure[]): Promise<void> {
  const folder = join(dir, FIGURES_FOLDER)
  await makeFolder(folder)
  for (const { id, svg } of figures) {
    await writeTextAtomically(join(folder, `${id}.svg`), `${standalone(svg)}\n`)
    const png = await toPng(svg)
    await writeAtomically(join(folder, `${id}.png`), async (temporary) => {
      await writeFile(temporary, png)
    })
  }
}

/** The drawing as a file of its own, with the colours that a page would give it. */
function standalone(svg: string): string {
  const root = `svg{background:var(--background);font-family:${FONTS};font-variant-numeric:tabular-nums}`
  return svg.replace('>', () => `><style>${paletteCss()}${root}</style>`)
}

/** Renderers of images know no custom properties, and have no fonts on many servers. */
function toPng(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(outlineText(inLightColors(svg))), { density: 72 * SCALE })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9 })
    .toBuffer()
}
