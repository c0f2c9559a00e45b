import { refuseReading } from '../base/lease.js'
import { type OptionsOf, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeStatistics } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { holdingNetwork } from '../train/lease.js'
import { refuseWeights } from '../train/numbers.js'
import { type Criterion, checkCriterion, criterionKind, layersOf, selectedLayers } from './criterion.js'
import { applyOptions } from './options.js'
import type { InitialDeviations } from './progress.js'
import { type Score, scoreKinds } from './score/index.js'
import type { ScoreKind } from './score/score.js'
import { kindOf } from './select/index.js'
import type { DeviationOf } from './select/selection.js'

export interface LayerKept {
  readonly name: string
  readonly weights: number
  readonly kept: number
  /** The number of kept weights that are exactly 0; they may have been pruned elsewhere, without a mask. */
  readonly zeros: number
  readonly density: number
}

/** How many weights of each layer are kept now. */
export async function keptWeights(network: AnyNetwork, signal?: AbortSignal): Promise<LayerKept[]> {
  networkKind.read(network, 'keptWeights: network')
  refuseReading(network)
  const statistics = await weightStatistics(network, network.prunable, signal)
  return network.prunable.map((name, i) => {
    const { count, kept, zeros } = statistics[i]!
    return { name, weights: count, kept, zeros, density: kept / count }
  })
}

/** The share of the weights of some layers that is kept. */
export function totalDensity(layers: readonly LayerKept[]): number {
  return (
    layers.reduce((sum, layer) => sum + layer.kept, 0) / layers.reduce((sum, layer) => sum + layer.weights, 0)
  )
}

/**
 * The deviation that a criterion asks for, from a layer's current statistics and, if it is known, its initial
 * deviation.
 */
export function chosenDeviation(
  of: DeviationOf,
  now: { readonly deviation: number; readonly survivorDeviation: number },
  initial: number | undefined,
): number {
  if (of === 'survivors') return now.survivorDeviation
  return of === 'current' ? now.deviation : (initial ?? now.deviation)
}

export function weightStatistics(network: AnyNetwork, layers: readonly string[], signal?: AbortSignal) {
  return runJob(() => loadAddon().weightStatistics(network.handle, weightNames(layers)), signal)
}

/** The deviations of all layers that have weights, for `of: 'initial'`. */
export async function initialDeviations(
  network: AnyNetwork,
  signal?: AbortSignal,
): Promise<InitialDeviations> {
  const statistics = await weightStatistics(network, network.prunable, signal)
  return Object.fromEntries(network.prunable.map((name, i) => [name, statistics[i]!.deviation]))
}

export interface ApplyOptions<Name extends string = string>
  extends Omit<OptionsOf<typeof applyOptions>, 'only'> {
  /** The only layers to prune. */
  readonly only?: readonly Name[] | undefined
}

/**
 * Prunes a network once by a criterion, without retraining, and seals the pruned weights. It never unprunes a weight.
 *
 * Rejects with TorchPruneError, also for wrong arguments: `ERR_BUSY` for a network in use; `ERR_ARGUMENT` if the
 * criterion names a layer that does not exist or would prune a whole layer, or if kept weights are NaN or infinite.
 */
export async function applyCriterion<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  criterion: Criterion<PrunableName<K>>,
  options?: ApplyOptions<PrunableName<K>>,
): Promise<void>
export async function applyCriterion(
  network: AnyNetwork,
  criterion: Criterion,
  options: ApplyOptions = {},
): Promise<void> {
  networkKind.read(network, 'applyCriterion: network')
  const read = criterionKind.read(criterion, 'applyCriterion: criterion')
  return pruneOnce(network, read, readOptions('applyCriterion', applyOptions, options))
}

/** `applyCriterion()` with options that are checked already. */
export async function pruneOnce(
  network: AnyNetwork,
  criterion: Criterion,
  options: ApplyOptions,
): Promise<void> {
  checkCriterion(network, criterion)
  await holdingNetwork('applyCriterion()', network, { datasets: [options.data] }, () =>
    applyOnce(network, criterion, options),
  )
}

async function applyOnce(network: AnyNetwork, criterion: Criterion, options: ApplyOptions): Promise<void> {
  const { ease = (density) => density, only, initial, data, loss, signal } = options
  const wanted = layersOf(network, criterion)
  const names = only === undefined ? wanted : wanted.filter((name) => only.includes(name))
  if (names.length === 0) return
  const { score, select } = criterion
  const plan = kindOf(select).plan(select, selectedLayers(network, names), ease)
  const kind = scoreKinds[score.kind] as ScoreKind<Score>
  const scores = await kind.of?.(score, { network, layers: names, data, loss, signal })
  try {
    const layers = names.map((name, i) => ({
      name: `${name}.weight`,
      scores: scores?.[i]?.handle,
      initial: initial?.[name],
    }))
    const found = await runJob(() => loadAddon().pruneSelect(network.handle, layers, plan), signal)
    refuseNonFinite(names, found)
  } finally {
    for (const tensor of scores ?? []) tensor.dispose()
  }
}

/**
 * Throws `ERR_ARGUMENT` if kept weights are NaN or infinite, before anything is pruned. Weights that are already pruned
 * may be anything: while a network is spliced they keep learning, and do not return while they are not finite.
 */
export function refuseNonFinite(
  layers: readonly string[],
  statistics: readonly Pick<NativeStatistics, 'count' | 'nan' | 'infinite'>[],
): void {
  const found = statistics.map((each, i) => ({ ...each, name: `${layers[i]!}.weight` }))
  refuseWeights(found.filter(({ nan, infinite }) => nan + infinite > 0))
}

function weightNames(layers: readonly string[]): string[] {
  return layers.map((name) => `${name}.weight`)
}
