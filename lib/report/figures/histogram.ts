import * as Plot from '@observablehq/plot'
import { drawChart } from '../chart.js'
import type { Figure } from '../figure.js'
import { formatPercent } from '../format.js'
import { color, seriesStyle } from '../palette.js'
import type { Histogram } from '../weights.js'
import { percentTick } from './marks.js'

/** A layer's weights at one stage of a run. */
export interface Stage {
  readonly name: string
  readonly histogram: Histogram
}

/** Figure 8: the distribution of a layer's kept weights before pruning, after it, and after retraining. */
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
  const share = ({ counts, total }: Histogram, bin: number) => (total === 0 ? 0 : (counts[bin] ?? 0) / total)
  const rows = stages.flatMap(({ name, histogram }) =>
    // A step ends where the next one begins, so the last one needs an end of its own.
    Array.from({ length: bins + 1 }, (_, bin) => ({
      stage: name,
      weight: edge(bin),
      share: share(histogram, Math.min(bin, bins - 1)),
    })),
  )
  const labels = stages.map(({ name, histogram }) => ({
    stage: name,
    text: `${name}: ${histogram.total.toLocaleString('en')} weights`,
  }))
  const svg = drawChart({
    id,
    title,
    description: `Histograms of the weights of layer ${layer}: ${labels.map(({ text }) => text).join(', ')}.`,
    height: 90 * stages.length + 80,
    x: { label: 'weight', domain: [-limit, limit], ticks: 5 },
    y: { label: 'share of the kept weights', grid: true, ticks: 3, tickFormat: percentTick },
    fy: { domain: stages.map(({ name }) => name), axis: null, padding: 0.12 },
    marks: [
      ...stages.map(({ name }, stage) =>
        areaMark(
          rows.filter((row) => row.stage === name),
          stage,
        ),
      ),
      Plot.ruleY([0], { stroke: color('muted') }),
      labelMark(labels),
    ],
  })
  return {
    id,
    title,
    caption:
      'Each panel shows the weights that are kept at that stage, as shares of their number. Pruning removes the ' +
      'middle; retraining spreads the remaining weights again.',
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

function areaMark(rows: Plot.Data, stage: number): Plot.Markish {
  const fill = seriesStyle(stage).color
  return Plot.areaY(rows, {
    x: 'weight',
    y: 'share',
    fy: 'stage',
    curve: 'step-after',
    fill,
    fillOpacity: 0.75,
  })
}

function labelMark(labels: Plot.Data): Plot.Markish {
  return Plot.text(labels, {
    fy: 'stage',
    text: 'text',
    frameAnchor: 'top-left',
    dx: 4,
    dy: 2,
    fill: color('ink'),
    // This keeps grid lines from crossing the letters.
    stroke: color('background'),
    strokeWidth: 4,
  })
}
