import { TorchPruneError } from '../base/errors.js'
import { refuseReading } from '../base/lease.js'
import { type OptionsOf, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { type AnyNetwork, networkKind } from '../nn/network.js'
import { holdingNetwork } from '../train/lease.js'
import { refuseWeights } from '../train/numbers.js'
import { type Criterion, criterionKind, type DeviationOf, valueFor } from './criterion.js'
import { applyOptions } from './options.js'
import type { InitialDeviations } from './progress.js'
import { rank } from './scores.js'

export interface LayerKept {
  readonly name: string
  readonly weights: number
  readonly kept: number
  /** Kept weights that are exactly 0: pruned elsewhere, perhaps, and not sealed here. */
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

/** Share of the weights of some layers that is kept. */
export function totalDensity(layers: readonly LayerKept[]): number {
  return (
    layers.reduce((sum, layer) => sum + layer.kept, 0) / layers.reduce((sum, layer) => sum + layer.weights, 0)
  )
}

/** The deviation that a criterion asks for, of a layer's statistics now; the initial one, where it is known. */
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

/** Deviations of all layers with connections, for `of: 'initial'`. */
export async function initialDeviations(
  network: AnyNetwork,
  signal?: AbortSignal,
): Promise<InitialDeviations> {
  const statistics = await weightStatistics(network, network.prunable, signal)
  return Object.fromEntries(network.prunable.map((name, i) => [name, statistics[i]!.deviation]))
}

export interface ApplyOptions<Name extends string = string>
  extends Omit<OptionsOf<typeof applyOptions>, 'only'> {
  /** Prunes these layers only. */
  readonly only?: readonly Name[] | undefined
}

/**
 * Prunes a network once by a criterion, without retraining, and seals what goes. Masks only ever shrink.
 *
 * Rejects with TorchPruneError, for wrong arguments too: `ERR_BUSY` for a network in use; `ERR_ARGUMENT` when the criterion
 * names a layer that is not there, or would prune a
 * whole layer, or weights to choose from are NaN or infinite.
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
  const { ease = (density) => density, only, signal } = options
  const wanted = layersOf(network, criterion)
  const layers = only === undefined ? wanted : wanted.filter((name) => only.includes(name))
  if (layers.length === 0) return
  const statistics = await weightStatistics(network, layers, signal)
  refuseNonFinite(layers, statistics)
  const deviations = (of: DeviationOf) =>
    layers.map((name, i) => chosenDeviation(of, statistics[i]!, options.initial?.[name]))
  if (criterion.kind === 'deviation') {
    const below = deviations(criterion.of).map((deviation, i) => ({
      name: `${layers[i]!}.weight`,
      threshold: valueFor(criterion.quality, layers[i]!) * deviation,
    }))
    await runJob(() => loadAddon().pruneBelow(network.handle, below), signal)
    return
  }
  using choice = await rank(network, criterion, layers, { ...options, ease, deviations })
  await runJob(() => loadAddon().pruneKeep(network.handle, choice.groups), signal)
}

/**
 * Throws `ERR_ARGUMENT` where kept weights are NaN or infinite, before anything is pruned. Those that are pruned already
 * may be anything: while a network is spliced they go on learning, and are never given back as such.
 */
export function refuseNonFinite(
  layers: readonly string[],
  statistics: Awaited<ReturnType<typeof weightStatistics>>,
): void {
  const found = statistics.map((each, i) => ({ ...each, name: `${layers[i]!}.weight` }))
  refuseWeights(found.filter(({ nan, infinite }) => nan + infinite > 0))
}

function weightNames(layers: readonly string[]): string[] {
  return layers.map((name) => `${name}.weight`)
}

/**
 * The layers that a criterion prunes.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a kind that the network has no layers of.
 */
export function layersOf(network: AnyNetwork, { layers }: Criterion): readonly string[] {
  if (typeof layers !== 'string') return layers ?? network.prunable
  const names = network.costs.filter(({ kind }) => kind === layers).map(({ name }) => name)
  if (names.length > 0) return names
  throw new TorchPruneError('ERR_ARGUMENT', `the network has no ${layers} layers to prune: leave layers out`)
}

/** Throws `ERR_ARGUMENT` when a criterion names a layer that is not there, or has no connections. */
export function checkCriterion(network: AnyNetwork, criterion: Criterion): void {
  const prunable: readonly string[] = network.prunable
  for (const name of layersOf(network, criterion)) {
    if (prunable.includes(name)) continue
    const what = Object.hasOwn(network.layers, name) ? 'has no connections to prune' : 'is not in the network'
    throw new TorchPruneError('ERR_ARGUMENT', `layer '${name}' ${what}: it has ${prunable.join(', ')}`)
  }
}
