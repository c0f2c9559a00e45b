import { smallest } from '../base/lists.js'
import type { SensitivityRecord } from '../runs/sensitivity_record.js'
import type { ThresholdsRecord } from '../runs/thresholds_record.js'
import type { TradeoffRecord } from '../runs/tradeoff_record.js'
import { formatCount, formatPercent } from './format.js'
import type { CaptionedTable, Highlight } from './page.js'

/** What a page shows first of a sensitivity study. */
export function sensitivityHighlights(
  { layers, validationErrorDense }: SensitivityRecord,
  thresholds: ThresholdsRecord | undefined,
): Highlight[] {
  const points = layers.reduce((sum, layer) => sum + layer.points.length, 0)
  const weights = thresholds && `${formatCount(thresholds.weights)} weights`
  return [
    { name: 'validation error, dense', value: formatPercent(validationErrorDense) },
    { name: 'layers, points measured', value: `${layers.length}, ${points}` },
    ...(thresholds ? [{ name: `thresholds for ${budgetText(thresholds)}`, value: `keep ${weights}` }] : []),
  ]
}

/** The thresholds that were solved, by layer. */
export function thresholdsTable(record: ThresholdsRecord): CaptionedTable {
  const { densities, quality, errorIncrease } = record
  return {
    caption: `Thresholds for ${budgetText(record)}`,
    table: {
      columns: ['layer', 'kept', 'quality'],
      rows: Object.entries(densities).map(([layer, density]) => [
        layer,
        formatPercent(100 * density, 1),
        quality[layer]?.toFixed(3) ?? '–',
      ]),
    },
    totals: 0,
    note:
      "Quality: the threshold as a multiple of the standard deviation of the layer's weights. By the sum of the curves, " +
      `${errorIncrease.toFixed(2)} points of error are added before retraining.`,
  }
}

function budgetText({ budget: { errorIncrease, weights, bytes } }: ThresholdsRecord): string {
  if (errorIncrease !== undefined) return `${errorIncrease} more points of error`
  if (weights !== undefined) return `${weights.toLocaleString('en')} weights`
  return `${(bytes ?? 0).toLocaleString('en')} bytes in the paper's encoding`
}

/** What a page shows first of a trade-off study. */
export function tradeoffHighlights({ curves }: TradeoffRecord): Highlight[] {
  const densities = curves.flatMap(({ points }) => points.map(({ density }) => density))
  const seeds = new Set(curves.flatMap((curve) => curve.seeds)).size
  const best = bestAt(curves, smallest(densities))
  return [
    { name: 'ways to train and prune, seeds', value: `${curves.length}, ${seeds}` },
    ...(best ? [best] : []),
  ]
}

/** The curve that loses the least where the fewest weights are kept. */
function bestAt(curves: TradeoffRecord['curves'], density: number): Highlight | undefined {
  const ends = curves.flatMap(({ name, points }) => {
    const point = points.find((candidate) => candidate.density === density)
    return point ? [{ name, mean: point.mean }] : []
  })
  const [best] = ends.toSorted((a, b) => a.mean - b.mean)
  return (
    best && {
      name: `least accuracy lost with ${formatPercent(100 * density, 1)} of the weights`,
      value: `${best.mean.toFixed(2).replace('-', '−')} points, ${best.name}`,
    }
  )
}
