import * as Plot from '@observablehq/plot'
import type { RunRecord } from '../../runs/record.js'
import { drawChart, type LegendEntry } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent, formatRatio } from '../format.js'
import { color, type SeriesStyle, seriesStyle } from '../palette.js'
import { prunedBefore, roundTable } from '../tables.js'
import { densityAxis, errorAxis, lineWithSymbols } from './marks.js'

/** The error as rounds prune more; undefined where there were no rounds. */
export function errorFigure(record: Pick<RunRecord, 'reference' | 'rounds' | 'phases'>): Figure | undefined {
  const { reference } = record
  // A logarithm has no place for a network without weights.
  const rounds = record.rounds.filter(({ density }) => density > 0)
  const last = rounds.at(-1)
  if (last === undefined) return undefined
  const first = prunedBefore(record)
  const dense = { density: 1, error: reference.top1Error }
  const series = [
    {
      name: 'test, after retraining',
      points: [dense, ...rounds.map(({ density, top1Error }) => ({ density, error: top1Error }))],
    },
    {
      name: first ? `test, ${first}layers pruned, before retraining` : 'test, before retraining',
      points: rounds.map(({ density, top1ErrorBefore }) => ({ density, error: top1ErrorBefore })),
    },
    {
      name: 'validation, after retraining',
      points: rounds.map(({ density, validationError }) => ({ density, error: validationError })),
    },
  ].map((one, index) => ({ ...one, style: seriesStyle(index) }))
  const denseStyle: SeriesStyle = { color: color('muted'), symbol: 'circle', dash: '2 3' }
  const legend: LegendEntry[] = [...series, { name: 'test, dense network', style: denseStyle, shape: 'line' }]
  const densities = [1, ...rounds.map(({ density }) => density)]
  const x = densityAxis(densities, 'kept weights')
  const errors = series.flatMap(({ points }) => points.map(({ error }) => error))
  const y = errorAxis([reference.top1Error, ...errors], 'top-1 error')
  const svg = drawChart({
    id: 'error',
    title: 'Error against density',
    description:
      `Over ${rounds.length} rounds the kept weights go from 100% to ${formatPercent(100 * last.density, 1)} ` +
      `and the test error from ${formatPercent(reference.top1Error)} to ${formatPercent(last.top1Error)}.`,
    legend,
    x: x.scale,
    y: y.scale,
    marks: [
      ...x.marks,
      ...y.marks,
      Plot.ruleY([reference.top1Error], { stroke: denseStyle.color, strokeDasharray: denseStyle.dash }),
      // The main series last, on top of the others.
      ...series.toReversed().map(({ points, style, name }) =>
        lineWithSymbols(points, style, {
          x: 'density',
          y: 'error',
          title: ({ density, error }) =>
            `${name}: ${formatPercent(error)} at ${formatPercent(100 * density, 1)}`,
        }),
      ),
    ],
  })
  return {
    id: 'error',
    title: 'Error against density',
    caption:
      'One round further to the right, fewer weights are kept. Choices were made by the validation part of the ' +
      `training set; the test set was read once, at the end. The last round reaches ${formatRatio(1 / last.density)} fewer weights.` +
      (first
        ? ` Each round prunes and retrains layers in turn: its error before retraining is read after the first pruning, of the ${first}layers alone.`
        : ''),
    svg,
    table: roundTable(record),
  }
}
