import * as Plot from '@observablehq/plot'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import type { NetworkFile } from '../file_sizes.js'
import { formatRatio } from '../format.js'
import { stateStyle } from '../palette.js'
import { formatBytes } from '../quantities.js'

interface Bar {
  readonly name: string
  readonly bytes: number
  readonly fill: string
  readonly opacity: number
}

/** The opacity of what gzip leaves, and the end of its name. */
const GZIP = 0.5
const UNDER = ', gzip'

/** The bytes of the files in a run's folder, and what gzip leaves of them; undefined if there are none. */
export function filesFigure(files: readonly NetworkFile[], parameters: number): Figure | undefined {
  if (files.length === 0) return undefined
  const title = 'Bytes of the files'
  const dense = 4 * parameters
  const bars = files.flatMap(({ file, state, bytes, gzipBytes }): Bar[] => {
    const fill = stateStyle(state).color
    const whole = { name: file, bytes, fill, opacity: 1 }
    return gzipBytes === undefined
      ? [whole]
      : [whole, { name: `${file}${UNDER}`, bytes: gzipBytes, fill, opacity: GZIP }]
  })
  const said = ({ bytes }: Bar) => `${formatBytes(bytes)}, ${formatRatio(dense / bytes)}`
  const svg = drawChart({
    id: 'files',
    title,
    description: bars.map((bar) => `${bar.name}: ${said(bar)}`).join('; '),
    legend: [...new Set(files.map(({ state }) => state))].map((name) => ({
      ...{ name, style: stateStyle(name), shape: 'area' as const },
    })),
    height: 31 * bars.length + 52,
    marginTop: 8,
    marginLeft: 180,
    marginRight: 110,
    x: { label: 'bytes', ticks: 3, tickFormat: formatBytes, grid: true },
    y: { domain: bars.map(({ name }) => name), padding: 0.25 },
    marks: [
      Plot.axisY({
        label: null,
        tickSize: 0,
        tickFormat: (name: string) => (name.endsWith(UNDER) ? 'gzip' : name),
      }),
      Plot.barX(bars, {
        y: 'name',
        x: 'bytes',
        fill: 'fill',
        fillOpacity: 'opacity',
        title: (bar: Bar) => `${bar.name}: ${bar.bytes.toLocaleString('en')} bytes`,
      }),
      Plot.text(bars, { y: 'name', x: 'bytes', text: said, textAnchor: 'start', dx: 6 }),
    ],
    color: { type: 'identity' },
    opacity: { type: 'identity' },
  })
  return {
    id: 'files',
    title,
    caption:
      `The files in this folder, as they are and as gzip leaves them. × is 4 bytes for each of ` +
      `${parameters.toLocaleString('en')} parameters over the bytes of the file. Files of safetensors hold pruned weights ` +
      'as zeros and a mask beside them, so they do not get smaller by themselves.',
    svg,
    table: {
      columns: ['file', 'state', '│', 'bytes', '×', '│', 'bytes', '×'],
      groups: ['', 'as it is', 'gzip'],
      rows: files.map(({ file, state, bytes, gzipBytes }) => [
        ...[file, state, '│', ...cells(bytes, dense), '│', ...cells(gzipBytes, dense)],
      ]),
    },
  }
}

function cells(bytes: number | undefined, dense: number): [string, string] {
  return bytes === undefined ? ['–', '–'] : [bytes.toLocaleString('en'), formatRatio(dense / bytes)]
}
