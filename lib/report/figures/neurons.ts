import * as Plot from '@observablehq/plot'
import { largest } from '../../base/lists.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import type { NeuronCount } from '../neurons.js'
import { type SeriesStyle, seriesStyle } from '../palette.js'
import { percentTick } from './marks.js'
import { isCrowded, labelMargin, rowHeight, shortened } from './rows.js'

const PARTS = [
  { name: 'no way in', count: ({ noInput }: NeuronCount) => noInput },
  { name: 'no way out', count: ({ noOutput }: NeuronCount) => noOutput },
] as const

/** The number of neurons in each layer that pruning left without a connection. */
export function neuronFigure(layers: readonly NeuronCount[]): Figure {
  const styles = PARTS.map((_, index): SeriesStyle => seriesStyle(index + 1))
  const dead = ({ noInput, noOutput }: NeuronCount) => noInput + noOutput
  const all = layers.reduce((sum, layer) => sum + dead(layer), 0)
  const bars = layers.flatMap((layer) =>
    PARTS.map(({ count }, part) => ({
      layer: layer.name,
      share: count(layer) / layer.neurons,
      color: styles[part]!.color,
    })),
  )
  const most = largest(layers.map((layer) => dead(layer) / layer.neurons))
  const title = 'Dead neurons'
  const svg = drawChart({
    id: 'neurons',
    title,
    description: `Share of each layer's neurons that lost their connections: ${layers
      .map((layer) => `${layer.name} ${dead(layer)} of ${layer.neurons}`)
      .join(', ')}.`,
    legend: PARTS.map(({ name }, part) => ({ name, style: styles[part]!, shape: 'area' })),
    height: rowHeight(layers.length, 34) * layers.length + 70,
    marginTop: 12,
    marginLeft: labelMargin(layers.map(({ name }) => name)),
    marginRight: 84,
    x: {
      label: "share of the layer's neurons",
      domain: [0, most > 0 ? most : 1],
      tickFormat: percentTick,
      ticks: 5,
    },
    y: { label: null, domain: layers.map(({ name }) => name), tickSize: 0, padding: 0.3 },
    color: { type: 'identity' },
    marks: [
      Plot.axisY({ label: null, tickSize: 0, tickFormat: shortened }),
      Plot.barX(bars, { y: 'layer', x: 'share', fill: 'color' }),
      Plot.text(layers, {
        y: 'name',
        x: (layer: NeuronCount) => dead(layer) / layer.neurons,
        text: (layer: NeuronCount) => `${dead(layer)} of ${layer.neurons}`,
        textAnchor: 'start',
        dx: 6,
      }),
    ],
  })
  return {
    id: 'neurons',
    title,
    tall: isCrowded(layers.length),
    caption:
      `${all === 0 ? 'No neuron is' : all === 1 ? 'One neuron is' : `${all} neurons are`} dead: no kept weight leads ` +
      'into it, or none out of it, so all its other connections may go too. Filters count as neurons in CONV layers.',
    svg,
    table: {
      columns: ['layer', 'neurons', 'no way in', 'no way out', 'alive'],
      rows: layers.map((layer) => {
        const { name, neurons, noInput, noOutput } = layer
        return [name, ...[neurons, noInput, noOutput, neurons - dead(layer)].map(String)]
      }),
    },
  }
}
