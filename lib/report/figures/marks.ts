import * as Plot from '@observablehq/plot'
import { largest, smallest } from '../../base/lists.js'
import type { SeriesStyle } from '../palette.js'

interface LineOptions<T> {
  readonly x: keyof T & string
  readonly y: keyof T & string
  /** The text to show when the mouse hovers over a point. */
  readonly title: (point: T) => string
  /** The largest value in the chart; the line leaves the chart above it. */
  readonly most?: number
}

/** Draws a line with a symbol at each point. */
export function lineWithSymbols<T>(
  points: readonly T[],
  { color, dash, symbol }: SeriesStyle,
  { x, y, title, most = Number.POSITIVE_INFINITY }: LineOptions<T>,
): Plot.Markish {
  const clip = Number.isFinite(most)
  const shown = points.filter((point) => Number(point[y]) <= most)
  return [
    Plot.line(points, { x, y, clip, stroke: color, strokeWidth: 2, strokeDasharray: dash || 'none' }),
    Plot.dot(shown, { x, y, fill: color, symbol, r: 4, title }),
  ]
}

const ROUND_DENSITIES = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4]
const ROUND_ERRORS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]

/** A scale, and the marks to draw for its axis. */
interface Axis {
  readonly scale: Plot.ScaleOptions
  readonly marks: Plot.Markish[]
}

/** A logarithmic axis of densities, with dense on the left. */
export function densityAxis(densities: readonly number[], label: string): Axis {
  const [least, most] = [smallest(densities), largest(densities)]
  const domain = [least < most ? least : most / 2, most] as const
  const ticks = ROUND_DENSITIES.filter((density) => density >= domain[0] && density <= domain[1])
  return {
    scale: { type: 'log', reverse: true, domain, label },
    marks: [Plot.axisX(ticks, { text: percentTick })],
  }
}

/**
 * An axis of errors in percent; it is logarithmic if they differ too much to be readable otherwise, by a factor of more
 * than `linear`.
 */
export function errorAxis(errors: readonly number[], label: string, linear = 8): Axis {
  const [least, most] = [smallest(errors), largest(errors)]
  const text = (error: number) => `${error}%`
  if (least <= 0 || most / least <= linear) {
    const domain = [0, most > 0 ? most * 1.05 : 1]
    return { scale: { label, grid: true, domain, ticks: 5, tickFormat: text }, marks: [] }
  }
  const ticks = ROUND_ERRORS.filter((error) => error >= least && error <= most)
  return {
    scale: { type: 'log', label, domain: [least * 0.9, most * 1.1] },
    // By default, a logarithmic axis leaves some of its ticks without text.
    marks: [Plot.gridY(ticks), Plot.axisY(ticks, { text })],
  }
}

/** Formats a share as a percentage with up to three significant digits. */
export function percentTick(share: number): string {
  return `${Number((100 * share).toPrecision(3))}%`
}
