import * as Plot from '@observablehq/plot'
import { largest, smallest } from '../../base/lists.js'
import type { BenchRecord, EngineLatency, EngineName } from '../../runs/bench_record.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatMilliseconds } from '../format.js'
import { color, engineStyle } from '../palette.js'
import { labelMargin } from './rows.js'

interface Row extends EngineLatency {
  readonly name: EngineName
}

/** The latency of each engine, on a logarithmic axis, where equal lengths are equal ratios. */
export function latencyFigure({ engines, batch, file }: BenchRecord): Figure {
  const title = 'Latency by engine'
  const rows = Object.entries(engines).map(([name, engine]): Row => ({ name: name as EngineName, ...engine }))
  const domain = [
    smallest(rows.map(({ p50 }) => p50)) / 1.5,
    largest(rows.map(({ p99 }) => p99)) * 1.5,
  ] as const
  const said = ({ p50, p99 }: Row) => `${formatMilliseconds(p50)} to ${formatMilliseconds(p99)}`
  const fill = ({ name }: Row) => engineStyle(name).color
  const svg = drawChart({
    id: 'latency',
    title,
    description: rows.map((row) => `${row.name}: ${said(row)}`).join('; '),
    height: 46 * rows.length + 62,
    marginTop: 14,
    marginLeft: labelMargin(rows.map(({ name }) => name)),
    marginRight: 66,
    x: {
      ...{ type: 'log', domain, label: 'time of a batch', grid: true },
      ...{ ticks: roundTimes(...domain), tickFormat: timeTick },
    },
    y: { domain: rows.map(({ name }) => name), type: 'point', padding: 0.6 },
    marks: [
      Plot.axisY({ label: null, tickSize: 0 }),
      Plot.link(rows, { y: 'name', x1: 'p50', x2: 'p99', stroke: fill, strokeWidth: 3 }),
      Plot.dot(rows, {
        ...{ y: 'name', x: 'p99', r: 5, stroke: fill, strokeWidth: 2, fill: color('background') },
      }),
      ...rows.map((row) =>
        Plot.dot([row], {
          ...{ y: 'name', x: 'p50', r: 6, fill: fill(row), symbol: engineStyle(row.name).symbol },
          title: (row: Row) => `${row.name}: ${said(row)}`,
        }),
      ),
      Plot.text(rows, { y: 'name', x: ({ p50, p99 }) => Math.sqrt(p50 * p99), text: said, dy: -15 }),
    ],
    color: { type: 'identity' },
  })
  return {
    id: 'latency',
    title,
    caption:
      `${file}, ${batch === 1 ? 'one sample' : `${batch} samples`} at a time. A filled symbol is the median (p50); a hollow ` +
      'circle is what 99 of 100 batches stay under (p99). Engines took turns in one process, so that a machine that slows down ' +
      'favors none of them.',
    svg,
    table: {
      columns: ['engine', 'p50, ms', 'p99, ms'],
      rows: rows.map(({ name, p50, p99 }) => [name, p50.toPrecision(4), p99.toPrecision(4)]),
    },
  }
}

const MOST_TICKS = 5
/** The factors of powers of ten that ticks may have, from the most ticks to the fewest. */
const FACTORS = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1]]

/** Round numbers of milliseconds between two values, as many as can be read. */
function roundTimes(least: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(least)), Math.floor(Math.log10(most))]
  const powers = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  const choices = FACTORS.map((factors) =>
    powers
      .flatMap((power) => factors.map((factor) => factor * power))
      .filter((time) => time >= least && time <= most),
  )
  return choices.find(({ length }) => length <= MOST_TICKS) ?? choices.at(-1)!
}

function timeTick(milliseconds: number): string {
  const rounded = (value: number) => Number(value.toPrecision(2))
  return milliseconds < 0.1 ? `${rounded(1000 * milliseconds)}µs` : `${rounded(milliseconds)}ms`
}
