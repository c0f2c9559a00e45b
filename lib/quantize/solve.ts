import { type Curve, cheapestStep } from '../base/cheapest_step.js'
import { TorchPruneError } from '../base/errors.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { measure } from '../train/evaluate.js'
import type { EvaluateOptions } from '../train/options/evaluate.js'
import type { QuantizeBudget } from './options.js'
import { share, undoing, type ValuesByLayer } from './sharing.js'
import { layerSizes } from './size.js'

/** The numbers of values that are tried, the most first. */
export const VALUES_GRID: readonly number[] = [256, 128, 64, 32, 16, 8, 4, 2]

/** A layer whose weights share so many values, and the others as they are. */
export interface SharingPoint {
  readonly layer: string
  readonly values: number
  /** Of the network, in percent on the validation part. */
  readonly error: number
  /** What the layer then takes. */
  readonly bytes: number
}

/** Measures each layer with each number of values by itself, and leaves the network as it was. */
export async function* sharingPoints(
  network: AnyNetwork,
  validation: Dataset,
  options: Pick<EvaluateOptions, 'loss' | 'autocast' | 'signal'>,
): AsyncGenerator<SharingPoint, void> {
  for (const layer of network.prunable) {
    for (const values of VALUES_GRID) {
      yield await undoing(network, layer, async () => {
        await share(network, new Map([[layer, values]]), options.signal)
        const { error } = await measure(network, validation, options)
        const [size] = await layerSizes(network, [layer], options.signal)
        return { layer, values, error, bytes: size!.bytes }
      })
    }
  }
}

/** How far along its points each layer is. */
interface LayerCurve extends Curve {
  readonly layer: string
  /** From many values to few. */
  readonly stops: readonly { readonly values: number; readonly increase: number; readonly bytes: number }[]
}

/**
 * Finds how many values each layer may share, as thresholds are solved from sensitivity: from the most values on, it
 * takes the step along one layer's curve that adds the least error for each byte that it saves, until the budget is met.
 *
 * @param otherBytes what the network takes besides these layers
 * @throws TorchPruneError `ERR_ARGUMENT` for a budget that cannot be met, naming the nearest one that can.
 */
export function solveValues(
  points: readonly SharingPoint[],
  before: number,
  otherBytes: number,
  budget: QuantizeBudget,
): ValuesByLayer {
  const curves = curvesOf(points, before)
  const sum = (of: (stop: LayerCurve['stops'][number]) => number) =>
    curves.reduce((total, { stops, at }) => total + of(stops[at]!), 0)
  const increase = () => sum((stop) => stop.increase)
  const bytes = () => sum((stop) => stop.bytes) + otherBytes
  if ('error' in budget && increase() > budget.error) {
    throw cannot(
      `an error of ${budget.error} points`,
      `${increase().toFixed(2)} points, with ${VALUES_GRID[0]} values in each layer`,
    )
  }
  for (;;) {
    if ('bytes' in budget && bytes() <= budget.bytes) break
    const most = 'error' in budget ? budget.error : undefined
    const next = cheapestStep(curves, (here, there) => here.bytes - there.bytes, most)
    if (next) next.at++
    else if ('error' in budget) break
    else
      throw cannot(
        `${budget.bytes} bytes`,
        `${Math.ceil(bytes())} bytes, with ${VALUES_GRID.at(-1)} values in each layer`,
      )
  }
  return new Map(curves.map(({ layer, stops, at }) => [layer, stops[at]!.values]))
}

function cannot(budget: string, nearest: string): TorchPruneError {
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `quantize: a budget of ${budget} cannot be met: the nearest is ${nearest}`,
  )
}

/** Noise can make a curve dip, so the error is the running maximum; a step that saves nothing is none. */
function curvesOf(points: readonly SharingPoint[], before: number): LayerCurve[] {
  const layers = [...new Set(points.map(({ layer }) => layer))]
  return layers.map((layer) => {
    const stops: LayerCurve['stops'][number][] = []
    let increase = 0
    for (const { values, error, bytes } of points.filter((point) => point.layer === layer)) {
      increase = Math.max(increase, error - before)
      const last = stops.at(-1)
      if (last === undefined || bytes < last.bytes) stops.push({ values, increase, bytes })
    }
    return { layer, stops, at: 0 }
  })
}
