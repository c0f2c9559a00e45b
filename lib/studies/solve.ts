import { type Curve, cheapestStep } from '../base/cheapest_step.js'
import { list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { number, text, whole, words } from '../base/kind.js'
import { group, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { initialDeviations } from '../prune/mask.js'
import { type SolveOptions, solveOptions } from '../prune/options.js'
import { type MagnitudeScore, magnitude } from '../prune/score/magnitude.js'
import type { DensitySelection } from '../prune/select/density.js'
import type { Pair } from '../prune/select/selection.js'
import { type LayerSensitivity, SENSITIVITY_GRID, type Sensitivity } from './sensitivity.js'

/** What a pruned network may cost: one of three. */
export type Budget =
  /** Percentage points of error, summed over layers as the sensitivity study measured them. */
  | { readonly errorIncrease: number }
  /** The number of weights that remain in the studied layers. */
  | { readonly weights: number }
  /** The bytes of those weights in the paper's encoding: 32 bits per weight and an index of 5 (FC) or 8 (CONV) bits. */
  | { readonly bytes: number }

/** Densities that meet a budget, and what they cost. */
export interface Solution<Name extends string = string> {
  /** The density of each layer, in 0..1. */
  readonly densities: Readonly<Record<Name, number>>
  /**
   * The thresholds of those densities, as multiples of the standard deviation of the current weights. Equal weights
   * share a threshold.
   */
  readonly quality: Readonly<Record<Name, number>>
  /** The number of weights that remain in the studied layers. */
  readonly weights: number
  /** The bytes of those weights in the paper's encoding. */
  readonly bytes: number
  /** The expected increase of the error, in percentage points. */
  readonly errorIncrease: number
  /** A criterion for `prune()` that keeps exactly those densities. */
  readonly criterion: Pair<MagnitudeScore, DensitySelection<Name>>
}

const studyKind = group({
  denseError: number(),
  layers: list(
    group({
      layer: text,
      kind: words('conv', 'fc'),
      weights: whole(1),
      points: list(group({ density: number({ over: 0, most: 1 }), error: number() }), 'an array of points'),
    }),
    'an array of layers',
  ),
})
const budgetOptions = {
  errorIncrease: optional(number()),
  weights: optional(number({ least: 0 })),
  bytes: optional(number({ least: 0 })),
}

/** Returns the one budget that is given; throws `ERR_ARGUMENT` for none or several. */
function budgetOf(given: Budget): Budget {
  const read = readOptions(
    'prune.solveThresholds',
    { budget: group(budgetOptions) },
    { budget: given },
  ).budget
  if (Object.keys(read).length === 1) return read as Budget
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    'prune.solveThresholds: budget must be one of { errorIncrease }, { weights } and { bytes }',
  )
}

const INDEX_BITS = { fc: 5, conv: 8 } as const

/**
 * Chooses densities and thresholds by sensitivity (paper, section 3). Starting from the dense network, it repeatedly
 * takes the step along one layer's curve that adds the least error per saved weight, until the budget is met.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a budget that cannot be met, naming the nearest one that can.
 */
export async function solveThresholds<K extends LayerKinds, Name extends PrunableName<K>>(
  network: AnyNetwork & { readonly kinds: K },
  sensitivity: Sensitivity<Name>,
  budget: Budget,
  options?: SolveOptions,
): Promise<Solution<Name>>
export async function solveThresholds(
  network: AnyNetwork,
  sensitivity: Sensitivity,
  budget: Budget,
  options: SolveOptions = {},
): Promise<Solution> {
  networkKind.read(network, 'prune.solveThresholds: network')
  const study = studyKind.read(sensitivity, 'prune.solveThresholds: sensitivity')
  const { leastDensity, signal } = readOptions('prune.solveThresholds', solveOptions, options)
  const steps = solveDensities(study, budgetOf(budget), leastDensity)
  const deviations = await initialDeviations(network, signal)
  const names = study.layers.map(({ layer }) => `${layer}.weight`)
  const keep = study.layers.map(({ layer, weights }) =>
    Math.max(1, Math.round(steps.densities[layer]! * weights)),
  )
  const start = () => loadAddon().pruneThresholds(network.handle, names, keep)
  const thresholds = await runJob(start, signal)
  const quality: Record<string, number> = {}
  const kept: Record<string, number> = {}
  for (const [i, { layer, weights }] of study.layers.entries()) {
    kept[layer] = Math.max(steps.densities[layer]!, 1 / weights)
    quality[layer] = thresholds[i]! / (deviations[layer]! || 1)
  }
  return { ...steps, quality, criterion: magnitude().density(kept) }
}

/**
 * Checks whether a budget can be met at all, before anything is measured, because studies take long.
 *
 * @throws TorchPruneError as `solveThresholds` does
 */
export function checkBudget(
  network: AnyNetwork,
  budget: Budget,
  options: { readonly densities?: readonly number[]; readonly leastDensity?: number } = {},
): void {
  const { densities = SENSITIVITY_GRID, leastDensity = 0.01 } = options
  const points = densities.toSorted((a, b) => b - a).map((density) => ({ density, error: 0 }))
  const layers = network.costs.map(({ name: layer, kind, weights }) => ({ layer, kind, weights, points }))
  solveDensities({ denseError: 0, layers }, budget, leastDensity)
}

type Densities = Pick<Solution, 'densities' | 'weights' | 'bytes' | 'errorIncrease'>

/** Computes only the densities and their costs. `leastDensity` defaults to 0.01. */
export function solveDensities(sensitivity: Sensitivity, budget: Budget, leastDensity = 0.01): Densities {
  const curves = sensitivity.layers.map((layer) => ({
    ...layer,
    stops: stopsOf(layer, sensitivity.denseError, leastDensity),
    at: 0,
  }))
  const state = (): Densities => ({
    densities: Object.fromEntries(curves.map(({ layer, stops, at }) => [layer, stops[at]!.density])),
    weights: curves.reduce(
      (sum, { weights, stops, at }) => sum + Math.round(weights * stops[at]!.density),
      0,
    ),
    bytes: curves.reduce((sum, curve) => sum + bytesOf(curve), 0),
    errorIncrease: curves.reduce((sum, { stops, at }) => sum + stops[at]!.increase, 0),
  })
  for (;;) {
    const now = state()
    if (!('errorIncrease' in budget) && met(budget, now)) return now
    const most = 'errorIncrease' in budget ? budget.errorIncrease : undefined
    const next = cheapestStep(curves, savedWeights, most)
    if (next) next.at++
    else if ('errorIncrease' in budget) return checkError(budget.errorIncrease, now)
    else throw unreachable(budget, now)
  }
}

interface Stop {
  readonly density: number
  /** Percentage points of error above the dense network; it never decreases as the density falls. */
  readonly increase: number
}

/**
 * Converts a layer's curve to the densities to choose from. Noise can make the curve dip, so the error is the running
 * maximum.
 */
function stopsOf({ points }: LayerSensitivity, denseError: number, leastDensity: number): Stop[] {
  let increase = 0
  const stops: Stop[] = [{ density: 1, increase }]
  for (const { density, error } of points) {
    if (density < leastDensity || density >= 1) continue
    increase = Math.max(increase, error - denseError)
    stops.push({ density, increase })
  }
  return stops
}

interface LayerCurve extends LayerSensitivity, Curve {
  readonly stops: readonly Stop[]
}

function savedWeights(here: Stop, there: Stop, { weights }: LayerSensitivity): number {
  return weights * (here.density - there.density)
}

function bytesOf({ kind, weights, stops, at }: LayerCurve): number {
  const kept = Math.round(weights * stops[at]!.density)
  // A dense layer needs no indices.
  return at === 0 ? 4 * weights : Math.ceil((kept * (32 + INDEX_BITS[kind])) / 8)
}

function met(budget: { weights: number } | { bytes: number }, now: Densities): boolean {
  return 'weights' in budget ? now.weights <= budget.weights : now.bytes <= budget.bytes
}

function unreachable(budget: { weights: number } | { bytes: number }, now: Densities): TorchPruneError {
  const [what, wanted, least] =
    'weights' in budget ? ['weights', budget.weights, now.weights] : ['bytes', budget.bytes, now.bytes]
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `a budget of ${wanted} ${what} cannot be met: the nearest is ${least}; study lower densities, or allow a lower least density`,
  )
}

function checkError(wanted: number, now: Densities): Densities {
  if (wanted >= 0) return now
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `an error increase of ${wanted} cannot be met: the nearest is 0, nothing pruned`,
  )
}
