import * as Plot from '@observablehq/plot'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { color, seriesStyle } from '../palette.js'
import type { SensitivityRecord } from '../sensitivity.js'
import { errorAxis, lineWithSymbols, percentTick } from './marks.js'

/** Figure 6: the error with one layer pruned, layers of a kind in a chart. */
export function sensitivityFigures(record: SensitivityRecord): Figure[] {
  const kinds = [...new Set(record.layers.map(({ kind }) => kind))]
  return kinds.map((kind) =>
    sensitivityFigure(
      record,
      record.layers.filter((layer) => layer.kind === kind),
      kind,
    ),
  )
}

function sensitivityFigure(
  { validationErrorDense }: SensitivityRecord,
  layers: SensitivityRecord['layers'],
  kind: string,
): Figure {
  const id = `sensitivity-${kind.replace(/\W/g, '-')}`
  const title = `Sensitivity of the ${kind.toUpperCase()} layers`
  const series = layers.map(({ name, points }, index) => ({
    name,
    style: seriesStyle(index),
    points: points.some(({ density }) => density === 1)
      ? points
      : [{ density: 1, validationError: validationErrorDense }, ...points],
  }))
  const densities = [...new Set(layers.flatMap(({ points }) => points.map(({ density }) => density)))]
  const errors = layers.flatMap(({ points }) => points.map(({ validationError }) => validationError))
  const y = errorAxis([validationErrorDense, ...errors], 'validation error')
  const svg = drawChart({
    id,
    title,
    description:
      `Validation error with one layer pruned to a share of its weights, for ${layers.length} layers; ` +
      `dense it is ${formatPercent(validationErrorDense)}.`,
    legend: series,
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
      Plot.ruleY([validationErrorDense], { stroke: color('muted'), strokeDasharray: '2 3' }),
      ...series.map(({ name, points, style }) =>
        lineWithSymbols(points, style, {
          x: 'density',
          y: 'validationError',
          title: ({ density, validationError }) =>
            `${name}: ${formatPercent(validationError)} at ${formatPercent(100 * density, 1)}`,
        }),
      ),
    ],
  })
  const cell = (points: SensitivityRecord['layers'][number]['points'], density: number) => {
    const point = points.find((candidate) => candidate.density === density)
    return point ? formatPercent(point.validationError) : '–'
  }
  return {
    id,
    title,
    caption: 'Each layer alone is pruned, without retraining; the dotted line is the dense network.',
    svg,
    table: {
      columns: ['kept', ...layers.map(({ name }) => name)],
      rows: densities
        .toSorted((a, b) => b - a)
        .map((density) => [percentTick(density), ...layers.map(({ points }) => cell(points, density))]),
    },
  }
}
