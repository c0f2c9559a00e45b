import * as Plot from '@observablehq/plot'
import { largest } from '../../base/lists.js'
import type { TradeoffRecord } from '../../runs/tradeoff_record.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { color, seriesStyle } from '../palette.js'
import { lineWithSymbols, percentTick } from './marks.js'

/** Losses over this many percentage points are outside the chart; the curves differ below it. */
const MOST_SHOWN = 5

/** Figure 5: the accuracy lost by share of weights pruned. */
export function tradeoffFigure({ curves }: TradeoffRecord): Figure | undefined {
  const points = curves.flatMap((curve) => curve.points)
  if (points.length === 0) return undefined
  const title = 'Accuracy lost against weights pruned'
  const series = curves.map(({ name, points }, index) => ({
    name,
    style: seriesStyle(index),
    points: points.map(({ density, mean, spread }) => ({ pruned: 1 - density, mean, spread })),
  }))
  const ends = points.flatMap(({ mean, spread }) => [mean - spread, mean + spread])
  const [least, most] = [Math.min(0, ...ends), Math.min(MOST_SHOWN, Math.max(0.1, ...ends))]
  const seeds = new Set(curves.flatMap((curve) => curve.seeds)).size
  const svg = drawChart({
    id: 'tradeoff',
    title,
    description: `Points of accuracy lost by ${curves.length} ways to train and prune, as more weights are pruned.`,
    legend: series,
    x: { label: 'pruned weights', tickFormat: percentTick, ticks: 6 },
    y: { label: 'accuracy lost (points)', grid: true, domain: [least, most], ticks: 6 },
    marks: [
      Plot.ruleY([0], { stroke: color('muted') }),
      ...series.flatMap(({ name, style, points }) => [
        Plot.areaY(points, {
          x: 'pruned',
          y1: ({ mean, spread }) => mean - spread,
          y2: ({ mean, spread }) => mean + spread,
          fill: style.color,
          fillOpacity: 0.15,
          clip: true,
        }),
        lineWithSymbols(points, style, {
          x: 'pruned',
          y: 'mean',
          most,
          title: ({ pruned, mean }) => `${name}: ${mean.toFixed(2)} points at ${percentTick(pruned)}`,
        }),
      ]),
    ],
  })
  const densities = [...new Set(points.map(({ density }) => density))].toSorted((a, b) => b - a)
  return {
    id: 'tradeoff',
    title,
    caption:
      `Mean over ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}` +
      `${seeds > 1 ? '; the bands are one standard deviation wide to either side' : ''}. ` +
      `${largest(ends) > MOST_SHOWN ? `Losses over ${MOST_SHOWN} points are outside the chart; the table lists them. ` : ''}` +
      'Below 0, the pruned network is better.',
    svg,
    table: {
      columns: ['pruned', ...curves.map(({ name }) => name)],
      rows: densities.map((density) => [
        percentTick(1 - density),
        ...curves.map((curve) => {
          const point = curve.points.find((candidate) => candidate.density === density)
          return point ? `${point.mean.toFixed(2)} ± ${point.spread.toFixed(2)}` : '–'
        }),
      ]),
    },
  }
}
