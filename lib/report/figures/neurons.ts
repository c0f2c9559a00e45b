import * as Plot from '@observablehq/plot'
import { largest } from '../../base/lists.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import type { NeuronCount } from '../neurons.js'
import { stateStyle } from '../palette.js'
import { percentTick } from './marks.js'
import { isCrowded, labelMargin, rowHeight, shortened } from './rows.js'

const PARTS = [
  { name: 'no incoming weight', opacity: 1, count: ({ noInput }: NeuronCount) => noInput },
  { name: 'no outgoing weight', opacity: 0.5, count: ({ noOutput }: NeuronCount) => noOutput },
] as const

/** The number of neurons in each layer that pruning left without a connection; `filters` if there are CONV layers. */
export function neuronFigure(layers: readonly NeuronCount[], filters: boolean): Figure {
  const style = stateStyle('retrained')
  const dead = ({ noInput, noOutput }: NeuronCount) => noInput + noOutput
  const all = layers.reduce((sum, layer) => sum + dead(layer), 0)
  const bars = layers.flatMap((layer) =>
    PARTS.map(({ name, opacity, count }) => ({
      layer: layer.name,
      share: count(layer) / layer.neurons,
      opacity,
      said: `${layer.name}, ${name}: ${count(layer)} of ${layer.neurons}`,
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
    legend: PARTS.map(({ name, opacity }) => ({ name, style, opacity, shape: 'area' })),
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
    opacity: { type: 'identity' },
    marks: [
      Plot.axisY({ label: null, tickSize: 0, tickFormat: shortened }),
      Plot.barX(bars, { y: 'layer', x: 'share', fill: style.color, fillOpacity: 'opacity', title: 'said' }),
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
      `${all === 0 ? 'No neuron has' : all === 1 ? 'One neuron has' : `${all} neurons have`} lost all incoming or all ` +
      'outgoing weights. The other weights of such a neuron serve no purpose, and shrinking the network removes them.' +
      `${filters ? ' In CONV layers, each filter counts as a neuron.' : ''}`,
    svg,
    table: {
      columns: ['layer', 'neurons', 'no incoming weight', 'no outgoing weight', 'alive'],
      rows: layers.map((layer) => {
        const { name, neurons, noInput, noOutput } = layer
        return [name, ...[neurons, noInput, noOutput, neurons - dead(layer)].map(String)]
      }),
    },
  }
}
