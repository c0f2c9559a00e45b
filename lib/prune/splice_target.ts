import { TorchPruneError } from '../base/errors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { type Criterion, checkCriterion, layersOf, type SpliceCriterion } from './criterion.js'
import { chosenDeviation, refuseNonFinite, weightStatistics } from './mask.js'
import type { SpliceTargetState } from './progress.js'
import { type DensitySchedule, densityAt } from './schedule.js'
import { layersIn } from './select/index.js'
import { valueFor } from './select/selection.js'

/** Throws `ERR_ARGUMENT` if splicing cannot aim at a criterion, or if the criterion does not fit the network. */
export function checkSpliceTarget(network: AnyNetwork, criterion: SpliceCriterion): void {
  const { score, select } = criterion as Criterion
  if (score.kind !== 'magnitude' || (select.kind !== 'density' && select.kind !== 'global')) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `splicing aims at a density of magnitudes, not at criteria.${score.kind}().${select.kind}(): use criteria.magnitude().density() or .global()`,
    )
  }
  checkCriterion(network, criterion)
  splicedLayers(network, criterion)
}

/** The layers of a criterion that train. The weights of a frozen layer do not change, and so neither does its mask. */
function splicedLayers(network: AnyNetwork, criterion: SpliceCriterion): readonly string[] {
  const frozen: readonly string[] = network.frozen
  const wanted = layersOf(network, criterion)
  const named = layersIn(criterion.select) && wanted.find((layer) => frozen.includes(layer))
  if (named !== undefined) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer '${named}' is frozen and cannot be spliced: unfreeze it, or leave it out of the criterion`,
    )
  }
  const layers = wanted.filter((layer) => !frozen.includes(layer))
  if (layers.length > 0) return layers
  throw new TorchPruneError('ERR_ARGUMENT', 'there is no layer to splice: name one, or unfreeze one')
}

interface Group {
  readonly layers: readonly string[]
  readonly weights: number
  /** The share that is kept at the beginning, and at the end. */
  readonly from: number
  readonly to: number
}

/** A criterion for the layers that are spliced, in groups that share a number of kept weights. */
export class SpliceTarget {
  private constructor(
    readonly layers: readonly string[],
    readonly state: SpliceTargetState,
    private readonly network: AnyNetwork,
    private readonly criterion: SpliceCriterion,
    private readonly members: readonly Group[],
  ) {}

  static async of(
    network: AnyNetwork,
    criterion: SpliceCriterion,
    begun: SpliceTargetState | undefined,
    signal?: AbortSignal,
  ): Promise<SpliceTarget> {
    const { select } = criterion
    const layers = splicedLayers(network, criterion)
    const statistics = await weightStatistics(network, layers, signal)
    refuseNonFinite(layers, statistics)
    const byLayer = (value: (each: (typeof statistics)[number]) => number) =>
      Object.fromEntries(layers.map((layer, i) => [layer, value(statistics[i]!)]))
    const state = {
      initialDeviations: begun?.initialDeviations ?? byLayer(({ deviation }) => deviation),
      initialDensities: begun?.initialDensities ?? byLayer(({ kept, count }) => kept / count),
    }
    const counts = byLayer(({ count }) => count)
    const group = (some: readonly string[], to: number): Group => {
      const weights = some.reduce((sum, layer) => sum + counts[layer]!, 0)
      const kept = some.reduce((sum, layer) => sum + state.initialDensities[layer]! * counts[layer]!, 0)
      if (Math.round(to * weights) >= some.length) return { layers: some, weights, from: kept / weights, to }
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `density ${to} keeps ${Math.round(to * weights)} of the ${weights} weights of ${some.join(', ')}: nothing would pass through; keep more`,
      )
    }
    const groups =
      select.kind === 'global'
        ? [group(layers, select.density)]
        : layers.map((layer) => group([layer], valueFor(select.density, layer)))
    return new SpliceTarget(layers, state, network, criterion, groups)
  }

  /** The number of weights that each group keeps at this point of the density's way, in 0..1. */
  keepAt(schedule: DensitySchedule, progress: number): number[] {
    return this.members.map(({ weights, from, to }) => {
      const density = to >= from ? to : from * densityAt(schedule, to / from, progress, 1)
      return Math.round(density * weights)
    })
  }

  /** The groups as the addon takes them, scaled by deviations if the criterion says so. */
  async groups(signal?: AbortSignal) {
    const scales = new Map<string, number>()
    const { select } = this.criterion
    if (select.kind === 'global' && select.normalize !== 'none') {
      const statistics = await weightStatistics(this.network, this.layers, signal)
      for (const [i, layer] of this.layers.entries()) {
        const initial = this.state.initialDeviations[layer]
        scales.set(layer, chosenDeviation(select.normalize, statistics[i]!, initial) || 1)
      }
    }
    const ranked = (layer: string) => ({ name: `${layer}.weight`, scale: scales.get(layer) ?? 1 })
    return { groups: this.members.map(({ layers }) => layers.map(ranked)) }
  }
}
