import * as Plot from '@observablehq/plot'
import { color, type SeriesStyle } from './palette.js'
import {
  createDocument,
  createSvg,
  type SvgAttributes,
  type SvgDocument,
  type SvgElement,
  setAttributes,
  svgText,
} from './svg.js'

/** An entry of a chart's legend. */
export interface LegendEntry {
  readonly name: string
  readonly style: SeriesStyle
  /** What is drawn before the name: a line with its symbol, just a line, or a filled square. */
  readonly shape?: 'series' | 'line' | 'area'
  /**
   * The opacity of a square.
   * @default 1
   */
  readonly opacity?: number
}

/** Options of `drawChart`. */
export interface ChartOptions extends Plot.PlotOptions {
  /** The ID of the chart, unique in the page that shows it. */
  readonly id: string
  /** The title of the chart and a description of what it shows, for readers who cannot see it. */
  readonly title: string
  readonly description: string
  readonly legend?: readonly LegendEntry[]
}

/** The width of drawings in pixels; text stays readable when a phone shrinks a drawing of this width to its screen. */
const WIDTH = 480
const FONT_SIZE = 13
const LEGEND_ROW = 20

/** Draws a chart as an SVG element that scales with its container and takes its colors from the palette. */
export function drawChart({ id, title, description, legend = [], ...options }: ChartOptions): string {
  const document = createDocument()
  const { width = WIDTH, height = 300 } = options
  const rows = legendRows(legend, width)
  const legendHeight = rows.length * LEGEND_ROW
  const svg = Plot.plot({
    marginTop: 28,
    marginLeft: 52,
    marginRight: 20,
    marginBottom: 44,
    ...options,
    document: document as never,
    width,
    height,
  }) as unknown as SvgElement
  // The library's own style is meant for pages that contain the library.
  svg.querySelector('style')?.remove()
  for (const name of ['class', 'width', 'height']) svg.removeAttribute(name)
  setAttributes(svg, {
    id,
    // The legend is above what the library drew.
    viewBox: `0 ${-legendHeight} ${width} ${height + legendHeight}`,
    role: 'img',
    'aria-labelledby': `${id}-title ${id}-description`,
    fill: color('ink'),
    color: color('ink'),
    'font-size': FONT_SIZE,
  })
  rows.forEach((row, index) => {
    const y = (index + 0.5) * LEGEND_ROW - legendHeight
    for (const { entry, x } of row) svg.appendChild(drawEntry(document, entry, x, y))
  })
  svg.prepend(createSvg(document, 'desc', { id: `${id}-description` }, description))
  svg.prepend(createSvg(document, 'title', { id: `${id}-title` }, title))
  return svgText(svg)
}

interface Placed {
  readonly entry: LegendEntry
  readonly x: number
}

/** Arranges entries side by side, in as many rows as they need. */
function legendRows(legend: readonly LegendEntry[], width: number): Placed[][] {
  const rows: Placed[][] = []
  let x = width
  for (const entry of legend) {
    // A letter of a sans-serif font is about half as wide as it is tall.
    const needed = 34 + entry.name.length * FONT_SIZE * 0.55
    if (x + needed > width) {
      rows.push([])
      x = 2
    }
    rows.at(-1)!.push({ entry, x })
    x += needed + 10
  }
  return rows
}

function drawEntry(
  document: SvgDocument,
  { name, style, shape = 'series', opacity = 1 }: LegendEntry,
  x: number,
  y: number,
): SvgElement {
  const { color, dash, symbol } = style
  const make = (...parts: [name: string, attributes: SvgAttributes, text?: string]) =>
    createSvg(document, ...parts)
  const swatch = make('rect', { x: 8, y: -6, width: 12, height: 12, fill: color, 'fill-opacity': opacity })
  const line = make('line', { x2: 24, stroke: color, 'stroke-width': 2, 'stroke-dasharray': dash || 'none' })
  const point = make('path', { d: SYMBOL_PATHS[symbol], transform: 'translate(12,0)', fill: color })
  const label = make('text', { x: 30, y: '0.34em' }, name)
  const signs = { area: [swatch], line: [line], series: [line, point] }[shape]
  const place = { transform: `translate(${x},${y})`, 'text-anchor': 'start' }
  return createSvg(document, 'g', place, [...signs, label])
}

/** The outlines of symbols, which the library draws in charts but does not export. */
const SYMBOL_PATHS: Record<SeriesStyle['symbol'], string> = {
  circle: 'M4,0A4,4,0,1,1,-4,0A4,4,0,1,1,4,0Z',
  square: 'M-3.5,-3.5h7v7h-7Z',
  diamond: 'M0,-5.2L3,0L0,5.2L-3,0Z',
  triangle: 'M0,-4.7L4.1,2.4L-4.1,2.4Z',
  star: 'M0,-5L1.1,-1.5L4.8,-1.5L1.8,.6L2.9,4L0,1.9L-2.9,4L-1.8,.6L-4.8,-1.5L-1.1,-1.5Z',
  cross: 'M-4,-1.3h2.7v-2.7h2.7v2.7h2.7v2.7h-2.7v2.7h-2.7v-2.7h-2.7Z',
}
