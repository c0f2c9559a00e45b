import * as Plot from '@observablehq/plot'
import { largest, smallest } from '../../base/lists.js'
import type { RunRecord } from '../../runs/record.js'
import { drawChart, type LegendEntry } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { errorInterval } from '../interval.js'
import { type SeriesStyle, stateStyle } from '../palette.js'
import { prunedBefore, roundTable } from '../tables.js'
import { densityAxis, lineWithSymbols } from './marks.js'

/** The opacity of an interval. */
const BAND = 0.15

type Record = Pick<RunRecord, 'reference' | 'pruned' | 'rounds' | 'phases'>

interface Point {
  readonly density: number
  readonly error: number
}

interface Series {
  readonly name: string
  readonly style: SeriesStyle
  readonly points: readonly Point[]
}

/** The error by density over the rounds; undefined if there were no rounds. `samples` is the size of the test set. */
export function errorFigure(record: Record, samples?: number): Figure | undefined {
  // A logarithmic axis cannot show a network without weights.
  const rounds = record.rounds.filter(({ density }) => density > 0)
  const last = rounds.at(-1)
  if (last === undefined) return undefined
  const dense = record.reference.top1Error
  const interval = samples === undefined ? undefined : errorInterval(dense, samples)
  const [retrained, pruned, validation] = seriesOf(record)
  // Errors before retraining may be many times the result's: they may leave the chart, and must not flatten it.
  const near = [retrained, validation].flatMap(({ points }) => points.map(({ error }) => error))
  const domain = axisNear([dense, ...near, ...(interval ?? [])])
  const outside = pruned.points.filter(({ error }) => error > domain[1])
  const x = densityAxis([1, ...rounds.map(({ density }) => density)], 'kept weights')
  const denseStyle = { ...stateStyle('dense'), dash: '2 3' }
  const svg = drawChart({
    id: 'error',
    title: 'Error against density',
    description:
      `Over ${rounds.length} rounds the kept weights go from 100% to ${formatPercent(100 * last.density, 1)} ` +
      `and the test error from ${formatPercent(dense)} to ${formatPercent(last.top1Error)}.`,
    legend: [
      retrained,
      pruned,
      validation,
      { name: 'test, dense', style: denseStyle, shape: 'line' },
      ...(interval ? [bandEntry(samples!)] : []),
    ],
    x: x.scale,
    y: {
      label: 'top-1 error',
      grid: true,
      domain,
      ticks: 5,
      tickFormat: (error: number) => `${+error.toFixed(2)}%`,
    },
    marks: [
      ...x.marks,
      ...(interval ? [bandMark(interval)] : []),
      Plot.ruleY([dense], { stroke: denseStyle.color, strokeDasharray: denseStyle.dash }),
      // The main series comes last, on top of the others.
      ...[validation, pruned, retrained].map((one) => seriesMark(one, domain[1])),
    ],
  })
  return {
    id: 'error',
    title: 'Error against density',
    caption: captionOf(record, { samples, outside: outside.length, top: domain[1] }),
    svg,
    table: roundTable(record),
  }
}

function seriesOf({ reference, rounds, phases }: Record): readonly [Series, Series, Series] {
  const shown = rounds.filter(({ density }) => density > 0)
  const first = prunedBefore({ phases })
  const retrained = stateStyle('retrained')
  const dense = { density: 1, error: reference.top1Error }
  return [
    {
      name: 'test, retrained',
      style: retrained,
      points: [dense, ...shown.map(({ density, top1Error }) => ({ density, error: top1Error }))],
    },
    {
      name: first ? `test, ${first}layers pruned, before retraining` : 'test, pruned, before retraining',
      style: stateStyle('pruned'),
      points: shown.map(({ density, top1ErrorBefore }) => ({ density, error: top1ErrorBefore })),
    },
    {
      name: 'validation, retrained',
      style: { ...retrained, symbol: 'triangle', dash: '5 3' },
      points: shown.map(({ density, validationError }) => ({ density, error: validationError })),
    },
  ]
}

/** A range around errors, with some room, that does not begin at 0 unless they are near it. */
function axisNear(errors: readonly number[]): [number, number] {
  const [least, most] = [smallest(errors), largest(errors)]
  const room = Math.max(0.15 * (most - least), 0.02 * most, 0.01)
  return [Math.max(0, least - room), most + room]
}

function seriesMark({ name, style, points }: Series, most: number): Plot.Markish {
  return lineWithSymbols(points, style, {
    x: 'density',
    y: 'error',
    most,
    title: ({ density, error }) => `${name}: ${formatPercent(error)} at ${formatPercent(100 * density, 1)}`,
  })
}

function bandMark([low, high]: readonly [number, number]): Plot.Markish {
  const title = `95% interval of the dense network's test error: ${formatPercent(low)} to ${formatPercent(high)}`
  return Plot.rect([{}], {
    y1: low,
    y2: high,
    fill: stateStyle('dense').color,
    fillOpacity: BAND,
    title: () => title,
  })
}

function bandEntry(samples: number): LegendEntry {
  const name = `its 95% interval, ${samples.toLocaleString('en')} images`
  return { name, style: stateStyle('dense'), shape: 'area', opacity: BAND }
}

function captionOf(
  record: Record,
  {
    samples,
    outside,
    top,
  }: { readonly samples: number | undefined; readonly outside: number; readonly top: number },
): string {
  const first = prunedBefore(record)
  return [
    'Rounds go from left to right, and each keeps fewer weights.',
    ...(samples === undefined ? [] : [verdict(record, samples)]),
    ...(outside > 0
      ? [
          `The error before retraining leaves the chart above ${formatPercent(top, 1)}; the numbers have all of it.`,
        ]
      : []),
    'Choices were based on the validation part of the training set; the test set was read once, at the end.',
    ...(first
      ? [
          `Each round prunes and retrains layers in turn: its error before retraining is measured after the first pruning, of only the ${first}layers.`,
        ]
      : []),
  ].join(' ')
}

/** Whether the change of the error could be chance. */
function verdict({ reference, pruned }: Record, samples: number): string {
  const [low, high] = errorInterval(reference.top1Error, samples)
  const change = pruned.top1Error - reference.top1Error
  const inside = pruned.top1Error >= low && pruned.top1Error <= high
  const points = `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(2)} points`
  return (
    `The change of the test error, ${points}, is ${inside ? 'within' : 'outside'} the 95% interval of the dense ` +
    `network's error on ${samples.toLocaleString('en')} images, ${formatPercent(low)} to ${formatPercent(high)}` +
    `${inside ? ': it may be chance' : ''}.`
  )
}
