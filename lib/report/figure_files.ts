import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { makeFolder, writeAtomically, writeTextAtomically } from '../base/atomic.js'
import { FIGURES_FOLDER } from '../runs/files.js'
import type { Figure } from './figure.js'
import { outlineText } from './outline.js'
import { inLightColors, paletteCss } from './palette.js'
import { columnTitles, type TableData } from './tables.js'

const FONTS = "system-ui,'Liberation Sans','DejaVu Sans',sans-serif"
/** The files of a figure, by the ends of their names. */
export const FIGURE_FORMATS = ['svg', 'png', 'csv'] as const
/** The number of image pixels per unit of a drawing. */
const SCALE = 2.5

/**
 * Writes each figure as `figures/<id>.svg`, which follows the viewer's color scheme, as `<id>.png` in light colors, and its
 * numbers as `<id>.csv`.
 * @throws ERR_OUTPUT when a file cannot be written
 */
export async function writeFigures(dir: string, figures: readonly Figure[]): Promise<void> {
  const folder = join(dir, FIGURES_FOLDER)
  await makeFolder(folder)
  for (const { id, svg, table } of figures) {
    await writeTextAtomically(join(folder, `${id}.csv`), tableCsv(table))
    await writeTextAtomically(join(folder, `${id}.svg`), `${standalone(svg)}\n`)
    const png = await toPng(svg)
    await writeAtomically(join(folder, `${id}.png`), async (temporary) => {
      await writeFile(temporary, png)
    })
  }
}

/** Makes the drawing a file of its own, with the colors that a page would give it. */
function standalone(svg: string): string {
  const root = `svg{background:var(--background);font-family:${FONTS};font-variant-numeric:tabular-nums}`
  return svg.replace('>', () => `><style>${paletteCss()}${root}</style>`)
}

/** Image renderers do not support custom properties, and many servers have no fonts for them. */
function toPng(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(outlineText(inLightColors(svg))), { density: 72 * SCALE })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9 })
    .toBuffer()
}

/** The table as comma-separated values, without the separators of its columns. */
function tableCsv(table: TableData): string {
  const lines = [columnTitles(table), ...table.rows].map((cells) =>
    cells
      .filter((_, i) => table.columns[i] !== '│')
      .map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
      .join(','),
  )
  return `${lines.join('\n')}\n`
}
