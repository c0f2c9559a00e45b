import * as Plot from '@observablehq/plot'
import type { RunRecord } from '../../runs/record.js'
import { drawChart, type LegendEntry } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent, formatRatio } from '../format.js'
import { color, type SeriesStyle, seriesStyle } from '../palette.js'
import { prunedBefore, roundTable } from '../tables.js'
import { densityAxis, errorAxis, lineWithSymbols } from './marks.js'

/** The error by density over the rounds; undefined if there were no rounds. */
export function errorFigure(record: Pick<RunRecord, 'reference' | 'rounds' | 'phases'>): Figure | undefined {
  const { reference } = record
  // A logarithmic axis cannot show a network without weights.
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
      // The main series comes last, on top of the others.
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
      'Each round to the right keeps fewer weights. Choices were based on the validation part of the training set; ' +
      `the test set was read once, at the end. The last round has ${formatRatio(1 / last.density)} fewer weights.` +
      (first
        ? ` Each round prunes and retrains layers in turn: its error before retraining is measured after the first pruning, of only the ${first}layers.`
        : ''),
    svg,
    table: roundTable(record),
  }
}
