import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { AnyNetwork } from '../nn/network.js'
import { type Criterion, type DeviationOf, valueFor } from './criterion.js'
import { applyScores } from './scores.js'

/** Standard deviations of layers' weights before the first round, kept with a run so that a resumed one prunes alike. */
export type InitialDeviations = Readonly<Record<string, number>>

export interface LayerKept {
  readonly name: string
  readonly weights: number
  readonly kept: number
  readonly density: number
}

/** How many weights of each layer are kept now. */
export async function keptWeights(network: AnyNetwork, signal?: AbortSignal): Promise<LayerKept[]> {
  const statistics = await weightStatistics(network, network.prunable, signal)
  return network.prunable.map((name, i) => {
    const { count, kept } = statistics[i]!
    return { name, weights: count, kept, density: kept / count }
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

export interface ApplyOptions {
  /** Densities to reach in this round, where they are not yet the criterion's own. */
  readonly ease?: (finalDensity: number) => number
  readonly initial?: InitialDeviations
  /** Prunes these layers only. */
  readonly only?: readonly string[]
  /** What a criterion that looks at gradients runs the network on. */
  readonly data?: Dataset | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Prunes a network once by a criterion, without retraining, and seals what goes. Masks only ever shrink.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` when the criterion names a layer that is not there, or would prune a
 * whole layer.
 */
export async function applyCriterion(
  network: AnyNetwork,
  criterion: Criterion,
  options: ApplyOptions = {},
): Promise<void> {
  const { ease = (density) => density, only, signal } = options
  checkCriterion(network, criterion)
  const wanted = layersOf(network, criterion)
  const layers = only === undefined ? wanted : wanted.filter((name) => only.includes(name))
  if (layers.length === 0) return
  if (criterion.kind === 'fisher' || criterion.kind === 'filterNorm' || criterion.kind === 'scores') {
    return applyScores(network, criterion, layers, { ...options, ease })
  }
  const names = weightNames(layers)
  const statistics = await weightStatistics(network, layers, signal)
  const deviationOf = (of: DeviationOf, i: number) =>
    chosenDeviation(of, statistics[i]!, options.initial?.[layers[i]!])
  const threshold = (scales: readonly number[], indices: readonly number[], density: number) => {
    const count = indices.reduce((sum, i) => sum + statistics[i]!.count, 0)
    const keep = Math.round(ease(density) * count)
    const some = indices.map((i) => names[i]!)
    return runJob(() => loadAddon().pruneThreshold(network.handle, some, scales, keep), signal)
  }

  let scales = layers.map(() => 1)
  let thresholds: number[]
  switch (criterion.kind) {
    case 'deviation':
      thresholds = layers.map((name, i) => valueFor(criterion.quality, name) * deviationOf(criterion.of, i))
      break
    case 'layerDensity':
      thresholds = []
      for (const [i, name] of layers.entries()) {
        thresholds.push(await threshold([1], [i], valueFor(criterion.density, name)))
      }
      break
    case 'globalDensity': {
      const { normalize } = criterion
      if (normalize !== 'none') scales = layers.map((_, i) => deviationOf(normalize, i) || 1)
      const one = await threshold(scales, [...layers.keys()], criterion.density)
      thresholds = layers.map(() => one)
      break
    }
  }
  await runJob(() => loadAddon().pruneBelow(network.handle, names, thresholds, scales), signal)
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
