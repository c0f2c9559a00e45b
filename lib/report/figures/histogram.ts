import * as Plot from '@observablehq/plot'
import { largest } from '../../base/lists.js'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { color, type State, stateStyle } from '../palette.js'
import type { Histogram } from '../weights.js'

/** A layer's weights at one stage of a run. */
export interface Stage {
  readonly name: State
  readonly histogram: Histogram
}

/** So few weights are drawn as a dot each; a share of them would say little. */
const FEW = 120

/** What came before a stage, and what it did, in a few words. */
const CHANGES: Readonly<Record<State, string>> = {
  dense: '',
  pruned: 'Pruning removes the weights near 0.',
  retrained: 'Retraining moves the others.',
  quantized: 'Sharing leaves a few values for all of them.',
}

/** Figure 8: the distribution of a layer's kept weights before pruning, and after each stage that followed. */
export function histogramFigure(
  layer: string,
  index: number,
  limit: number,
  stages: readonly Stage[],
): Figure {
  const id = `weights-${index + 1}`
  const title = `Weights of ${layer}`
  const bins = stages[0]!.histogram.counts.length
  const edge = (bin: number) => -limit + (2 * limit * bin) / bins
  const labels = stages.map(({ name, histogram }) => ({ stage: name, text: labelOf(name, histogram) }))
  const svg = drawChart({
    id,
    title,
    description: `Histograms of the weights of layer ${layer}: ${stages
      .map(({ name, histogram }) => `${name}: ${countText(histogram)}`)
      .join(', ')}.`,
    height: 84 * stages.length + 64,
    marginTop: 10,
    marginLeft: 20,
    x: { label: 'weight', domain: [-limit, limit], ticks: 5 },
    // Each panel has a scale of its own: a dense layer's peak would flatten all others.
    y: { axis: null, domain: [0, 1.35] },
    fy: { domain: stages.map(({ name }) => name), axis: null, padding: 0.08 },
    marks: [
      ...stages.map((stage) =>
        stage.histogram.total <= FEW ? dotsMark(stage, edge) : areaMark(stage, edge),
      ),
      Plot.ruleY([0], { stroke: color('muted') }),
      labelMark(labels),
    ],
  })
  const share = ({ counts, total }: Histogram, bin: number) => (total === 0 ? 0 : (counts[bin] ?? 0) / total)
  return {
    id,
    title,
    caption: [
      'Only weights that are kept are shown, each panel on a scale of its own.',
      ...stages.map(({ name }) => CHANGES[name]).filter((text) => text !== ''),
    ].join(' '),
    svg,
    table: {
      columns: ['from', 'to', ...stages.map(({ name }) => name)],
      rows: Array.from({ length: bins }, (_, bin) => [
        edge(bin).toPrecision(3),
        edge(bin + 1).toPrecision(3),
        ...stages.map(({ histogram }) => formatPercent(100 * share(histogram, bin), 2)),
      ]),
    },
  }
}

function countText({ total }: Histogram): string {
  return `${total.toLocaleString('en')} ${total === 1 ? 'weight' : 'weights'}`
}

function labelOf(name: State, histogram: Histogram): string {
  const { counts, total } = histogram
  const peak = total > FEW ? `, at most ${formatPercent((100 * largest(counts)) / total, 1)} a bar` : ''
  return `${name}: ${countText(histogram)}${peak}`
}

/** Bars as one outline, of the height of a panel. */
function areaMark({ name, histogram: { counts } }: Stage, edge: (bin: number) => number): Plot.Markish {
  const most = largest(counts) || 1
  // A step ends where the next one begins, so the last one needs an end of its own.
  const rows = Array.from({ length: counts.length + 1 }, (_, bin) => ({
    stage: name,
    weight: edge(bin),
    height: counts[Math.min(bin, counts.length - 1)]! / most,
  }))
  return Plot.areaY(rows, {
    x: 'weight',
    y: 'height',
    fy: 'stage',
    curve: 'step-after',
    fill: stateStyle(name).color,
    fillOpacity: 0.75,
  })
}

/** A dot for each weight, one above the other. */
function dotsMark({ name, histogram: { counts } }: Stage, edge: (bin: number) => number): Plot.Markish {
  // In piles of up to eight, dots keep a distance that does not depend on the layer.
  const most = Math.max(8, largest(counts))
  const dots = counts.flatMap((count, bin) =>
    Array.from({ length: count }, (_, i) => ({
      stage: name,
      weight: (edge(bin) + edge(bin + 1)) / 2,
      height: (i + 0.6) / most,
    })),
  )
  return Plot.dot(dots, { x: 'weight', y: 'height', fy: 'stage', r: 2.2, fill: stateStyle(name).color })
}

function labelMark(labels: Plot.Data): Plot.Markish {
  return Plot.text(labels, {
    fy: 'stage',
    text: 'text',
    frameAnchor: 'top-left',
    dx: 4,
    dy: 2,
    fill: color('ink'),
    // This keeps bars from crossing the letters.
    stroke: color('background'),
    strokeWidth: 4,
  })
}
