import * as Plot from '@observablehq/plot'
import { largest, smallest } from '../../base/lists.js'
import { drawChart } from '../chart.js'
import type { BeforeAfter } from '../cost.js'
import type { Figure } from '../figure.js'
import { formatRatio } from '../format.js'
import { color, stateStyle } from '../palette.js'
import type { TableData } from '../tables.js'
import { isCrowded, labelMargin, rowHeight, shortened } from './rows.js'

/** Options of `beforeAfterFigure`. */
export interface BeforeAfterOptions extends Pick<Figure, 'id' | 'title' | 'caption'> {
  readonly label: string
  readonly format: (value: number) => string
  /** The rows to draw. */
  readonly rows: readonly BeforeAfter[]
  /**
   * The rows of the table.
   * @default the rows that are drawn
   */
  readonly all?: readonly BeforeAfter[]
}

/** Draws rows of a dense and a pruned quantity on a logarithmic axis, where equal lengths are equal ratios. */
export function beforeAfterFigure({
  id,
  title,
  caption,
  label,
  format,
  rows,
  all = rows,
}: BeforeAfterOptions): Figure {
  // A logarithmic axis cannot show 0.
  const shown = rows.filter(({ dense, pruned }) => dense > 0 && pruned > 0)
  const [dense, pruned] = [stateStyle('dense'), stateStyle('retrained')]
  const ends = shown.length > 0 ? shown.flatMap((row) => [row.dense, row.pruned]) : [1, 10]
  const domain = [smallest(ends) / 1.5, largest(ends) * 1.5] as const
  const crowded = isCrowded(rows.length)
  const ratio = (row: BeforeAfter) => (row.pruned > 0 ? formatRatio(row.dense / row.pruned) : '–')
  const svg = drawChart({
    id,
    title,
    description: rows
      .map((row) => `${row.name}: ${format(row.dense)} dense, ${format(row.pruned)} pruned`)
      .join('; '),
    legend: [
      { name: 'dense', style: dense },
      { name: 'pruned and retrained', style: pruned },
    ],
    height: rowHeight(rows.length, 40) * rows.length + 70,
    marginTop: 12,
    marginLeft: labelMargin(rows.map(({ name }) => name)),
    marginRight: crowded ? 56 : 30,
    x: {
      type: 'log',
      domain,
      label,
      grid: true,
      ticks: decades(...domain),
      tickFormat: format,
    },
    y: { domain: rows.map(({ name }) => name), type: 'point', padding: 0.6 },
    marks: [
      Plot.axisY({ label: null, tickSize: 0, tickFormat: shortened }),
      Plot.link(shown, { y: 'name', x1: 'dense', x2: 'pruned', stroke: color('muted'), strokeWidth: 2 }),
      ...(
        [
          ['dense', dense],
          ['pruned', pruned],
        ] as const
      ).map(([x, { color, symbol }]) =>
        Plot.dot(shown, {
          ...{ y: 'name', x, fill: color, symbol, r: 5 },
          title: (row: BeforeAfter) => `${row.name}, ${x}: ${format(row[x])}`,
        }),
      ),
      // The ratios are above the lines if there is room, otherwise in a column of their own.
      Plot.text(shown, {
        y: 'name',
        text: ratio,
        ...(crowded
          ? { frameAnchor: 'right', textAnchor: 'end', dx: 54 }
          : { x: (row: BeforeAfter) => Math.sqrt(row.dense * row.pruned), dy: -10 }),
      }),
    ],
  })
  const table: TableData = {
    columns: ['', 'dense', 'pruned', 'ratio'],
    rows: all.map((row) => [row.name, format(row.dense), format(row.pruned), ratio(row)]),
  }
  return { id, title, caption, svg, table, tall: crowded }
}

/** Powers of ten between two values, as many as can be read. */
function decades(least: number, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))]
  const step = Math.max(1, Math.ceil((last - first) / 4))
  return Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, index) => 10 ** (first + index * step),
  )
}
