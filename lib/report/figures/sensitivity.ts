import * as Plot from '@observablehq/plot'
import { largest } from '../../base/lists.js'
import type { SensitivityRecord } from '../../runs/sensitivity_record.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { color, type SeriesStyle, seriesStyle } from '../palette.js'
import type { TableData } from '../tables.js'
import { errorAxis, lineWithSymbols, percentTick } from './marks.js'
import { isCrowded, labelMargin, rowHeight, shortened } from './rows.js'

type Layers = SensitivityRecord['layers']
type Heading = Pick<Figure, 'id' | 'title'>
type Drawn = Pick<Figure, 'svg' | 'caption' | 'tall'>

/** Figure 6: the error with one layer pruned; layers of the same kind share a chart. */
export function sensitivityFigures({ layers, validationErrorDense }: SensitivityRecord): Figure[] {
  const kinds = [...new Set(layers.map(({ kind }) => kind))]
  return kinds.map((kind) => {
    const some = layers.filter((layer) => layer.kind === kind)
    const heading = {
      id: `sensitivity-${kind.replace(/\W/g, '-')}`,
      title: `Sensitivity of the ${kind.toUpperCase()} layers`,
    }
    const figure = isCrowded(some.length) ? sensitivityMap : sensitivityLines
    return { ...heading, ...figure(some, validationErrorDense, heading), table: sensitivityTable(some) }
  })
}

/** Draws a line for each layer. */
function sensitivityLines(layers: Layers, dense: number, heading: Heading): Drawn {
  const series = layers.map(({ name, points }, index) => ({
    name,
    style: seriesStyle(index),
    points: points.some(({ density }) => density === 1)
      ? points
      : [{ density: 1, validationError: dense }, ...points],
  }))
  const denseStyle: SeriesStyle = { color: color('muted'), symbol: 'circle', dash: '2 3' }
  const y = errorAxis([dense, ...errorsOf(layers)], 'validation error')
  const svg = drawChart({
    ...heading,
    description: describe(layers, dense),
    legend: [...series, { name: `dense network, ${formatPercent(dense)}`, style: denseStyle, shape: 'line' }],
    x: {
      reverse: true,
      domain: [0, 1],
      label: "the layer's kept weights",
      tickFormat: percentTick,
      ticks: 6,
    },
    y: y.scale,
    marks: [
      ...y.marks,
      Plot.ruleY([dense], { stroke: denseStyle.color, strokeDasharray: denseStyle.dash }),
      ...series.map(({ name, points, style }) =>
        lineWithSymbols(points, style, {
          x: 'density',
          y: 'validationError',
          title: (point) => said(name, point),
        }),
      ),
    ],
  })
  return {
    svg,
    caption: 'Only one layer at a time is pruned, without retraining; the dotted line is the dense network.',
  }
}

/** Draws a row for each layer, if lines would hide each other: the stronger the color, the larger the error. */
function sensitivityMap(layers: Layers, dense: number, heading: Heading): Drawn {
  const most = largest(errorsOf(layers))
  const cells = layers.flatMap(({ name, points }) =>
    points.map((point) => ({
      name,
      density: point.density,
      strength: Math.max(0, point.validationError - dense) / Math.max(most - dense, 1e-9),
      said: said(name, point),
    })),
  )
  const svg = drawChart({
    ...heading,
    description: describe(layers, dense),
    height: rowHeight(layers.length, 17) * layers.length + 62,
    marginTop: 12,
    marginLeft: labelMargin(layers.map(({ name }) => name)),
    x: {
      domain: densitiesOf(layers),
      label: "the layer's kept weights",
      tickFormat: percentTick,
      tickSize: 0,
      padding: 0.08,
    },
    y: { domain: layers.map(({ name }) => name), padding: 0.12 },
    opacity: { type: 'linear', domain: [0, 1], range: [0.06, 1] },
    marks: [
      Plot.axisY({ label: null, tickSize: 0, tickFormat: shortened }),
      Plot.cell(cells, {
        x: 'density',
        y: 'name',
        fill: color('series-1'),
        fillOpacity: 'strength',
        title: 'said',
      }),
    ],
  })
  return {
    tall: true,
    svg,
    caption:
      'Only one layer at a time is pruned, without retraining. The stronger the color, the larger the error: from ' +
      `${formatPercent(dense)}, the dense network's, to ${formatPercent(most)}.`,
  }
}

/** A table with a column for each layer, or with a row for each if there are too many. */
function sensitivityTable(layers: Layers): TableData {
  const densities = densitiesOf(layers)
  const cell = ({ points }: Layers[number], density: number) => {
    const point = points.find((candidate) => candidate.density === density)
    return point ? formatPercent(point.validationError) : '–'
  }
  if (isCrowded(layers.length)) {
    return {
      columns: ['layer', ...densities.map(percentTick)],
      rows: layers.map((layer) => [layer.name, ...densities.map((density) => cell(layer, density))]),
    }
  }
  return {
    columns: ['kept', ...layers.map(({ name }) => name)],
    rows: densities.map((density) => [percentTick(density), ...layers.map((layer) => cell(layer, density))]),
  }
}

/** All densities, from dense to sparse. */
function densitiesOf(layers: Layers): number[] {
  const all = layers.flatMap(({ points }) => points.map(({ density }) => density))
  return [...new Set(all)].toSorted((a, b) => b - a)
}

function errorsOf(layers: Layers): number[] {
  return layers.flatMap(({ points }) => points.map(({ validationError }) => validationError))
}

function describe(layers: Layers, dense: number): string {
  return (
    `Validation error with one layer pruned to a share of its weights, for ${layers.length} layers; ` +
    `the dense network's is ${formatPercent(dense)}.`
  )
}

function said(name: string, { density, validationError }: Layers[number]['points'][number]): string {
  return `${name}: ${formatPercent(validationError)} at ${formatPercent(100 * density, 1)}`
}
