import { checkCounts, TorchPruneError } from '../errors.js'
import type { ConnectionKind } from '../nn/cost.js'
import type { Carried } from '../nn/layers.js'
import type { Tensor } from '../tensor/tensor.js'

/** Which weights a layer's standard deviation is taken of. The paper does not say, so it is a choice. */
export type DeviationOf =
  | 'initial' // of the weights before the first round, pruned by nobody yet
  | 'current' // of all weights now, zeros included
  | 'survivors' // of the weights that are still there

/** A value for every layer, or one for each by name. */
export type PerLayer<Name extends string> = number | Readonly<Partial<Record<Name, number>>>

/** A single value, or one for each layer by name. */
type Choice = number | Readonly<Record<string, number>>
/** The layers that a choice names; none in a single value. */
type NamesIn<Values> = Values extends number ? never : keyof Values & string

/**
 * A choice, where it names layers of `Name` alone: those of the network, where a criterion is written as an argument
 * beside one. Others are then refused one by one, and editors offer the right ones. Without a network, `Name` is
 * `string`, and the criterion carries the names that it was given.
 */
type Fitting<Values, Name extends string> = [NamesIn<Values>] extends [Name]
  ? Values
  : string extends NamesIn<Values>
    ? number | { readonly [N in Name]: number }
    : number | { readonly [N in Name]?: number }

/**
 * What decides which connections go. `layers` carries the names for the compiler: a criterion that names a
 * layer the network does not have does not fit it.
 */
export type Criterion<Name extends string = string> =
  | DeviationCriterion<Name>
  | LayerDensityCriterion<Name>
  | GlobalDensityCriterion<Name>
  | FisherCriterion<Name>
  | FilterNormCriterion<Name>
  | ScoresCriterion<Name>

interface Named<Name extends string> {
  /** The layers that are pruned, by name or all of a kind; all with connections when undefined. */
  readonly layers?: readonly Name[] | ConnectionKind
}

export interface DeviationCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'deviation'
  readonly quality: PerLayer<Name>
  readonly of: DeviationOf
}
export interface LayerDensityCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'layerDensity'
  readonly density: PerLayer<Name>
}
export interface GlobalDensityCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'globalDensity'
  readonly density: number
  /** Divides each layer's weights by its deviation first, so that layers of small weights are not emptied. */
  readonly normalize: 'none' | DeviationOf
}

export interface FisherCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'fisher'
  readonly density: number
  readonly batches: number
  readonly batchSize: number
  readonly seed: number
}
export interface FilterNormCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'filterNorm'
  readonly density: PerLayer<Name>
}

/** Scores of a layer's weights, of the weight's shape: the largest stay. Must not change what it is given. */
export type ScoreFunction = (layer: { readonly name: string; readonly weight: Tensor }) => Tensor
export interface ScoresCriterion<Name extends string = string> extends Named<Name> {
  readonly kind: 'scores'
  readonly density: number
  readonly scores: ScoreFunction
  /** Whether each layer keeps its own share, or all of them together. */
  readonly perLayer: boolean
}

/**
 * The paper's criterion: prunes |w| under `quality` times the layer's standard deviation. The threshold is
 * computed again in every round, so equal qualities prune more each time the survivors shrink.
 *
 * @example prune.deviation({ fc1: 1.4, fc2: 1.3, fc3: 0.8 })
 */
export function deviation<const Values extends Choice, Name extends string = string>(
  quality: Fitting<Values, NoInfer<Name>>,
  options?: { readonly of?: DeviationOf },
): DeviationCriterion<Carried<NamesIn<Values>, Name>>
export function deviation(quality: Choice, options: { readonly of?: DeviationOf } = {}): DeviationCriterion {
  forEach(quality, (value, where) => {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new TorchPruneError('ERR_ARGUMENT', `quality${where} must be 0 or more, got ${value}`)
    }
  })
  return { kind: 'deviation', quality, of: options.of ?? 'survivors', ...named(quality) }
}

/**
 * Keeps the largest |w| of each layer, exactly this share of its weights after the last round. Of equal ones the
 * first by position stay, here and in all criteria of a density.
 */
export function layerDensity<const Values extends Choice, Name extends string = string>(
  density: Fitting<Values, NoInfer<Name>>,
): LayerDensityCriterion<Carried<NamesIn<Values>, Name>>
export function layerDensity(density: Choice): LayerDensityCriterion {
  forEach(density, checkDensity)
  return { kind: 'layerDensity', density, ...named(density) }
}

/** Keeps the largest |w| of all layers together, this share of the weights after the last round. */
export function globalDensity<const Given extends Name = never, Name extends string = string>(
  density: number,
  options: {
    readonly normalize?: 'none' | DeviationOf
    readonly layers?: readonly Given[] | ConnectionKind
  } = {},
): GlobalDensityCriterion<Carried<Given, Name>> {
  checkDensity(density, '')
  return {
    kind: 'globalDensity',
    density,
    normalize: options.normalize ?? 'none',
    ...(options.layers && { layers: options.layers }),
  }
}

/**
 * Keeps the weights whose loss would cost most by a second-order estimate, `½ · F · w²`, with the diagonal of the
 * empirical Fisher information for F (LeCun, Denker and Solla 1989; Theis et al. 2018), of all layers together.
 * F is the mean of squared gradients over `batches` batches of the training set, in evaluation mode. The samples are
 * drawn by `seed`, none twice.
 */
export function fisher<const Given extends Name = never, Name extends string = string>(
  density: number,
  options: {
    /** @default 50 */
    readonly batches?: number
    /** @default 64 */
    readonly batchSize?: number
    /** @default 0 */
    readonly seed?: number
    readonly layers?: readonly Given[] | ConnectionKind
  } = {},
): FisherCriterion<Carried<Given, Name>> {
  checkDensity(density, '')
  const { batches = 50, batchSize = 64, seed = 0, ...layers } = options
  checkCounts({ batches, batchSize })
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TorchPruneError('ERR_ARGUMENT', `seed must be a whole number of 0 or more, got ${seed}`)
  }
  return { kind: 'fisher', density, batches, batchSize, seed, ...layers }
}

/**
 * Prunes whole filters (rows of a fully connected layer), those with the smallest L1 norm, and keeps this share of
 * each layer's (Li et al. 2017). Removing them then makes the network itself smaller.
 */
export function filterNorm<const Values extends Choice, Name extends string = string>(
  density: Fitting<Values, NoInfer<Name>>,
): FilterNormCriterion<Carried<NamesIn<Values>, Name>>
export function filterNorm(density: Choice): FilterNormCriterion {
  forEach(density, checkDensity)
  return { kind: 'filterNorm', density, ...named(density) }
}

/** A criterion of one's own: one function from a layer's weight to scores; the largest stay. */
export function scores<const Given extends Name = never, Name extends string = string>(
  density: number,
  score: ScoreFunction,
  options: { readonly perLayer?: boolean; readonly layers?: readonly Given[] | ConnectionKind } = {},
): ScoresCriterion<Carried<Given, Name>> {
  checkDensity(density, '')
  const { perLayer = false, ...layers } = options
  return { kind: 'scores', density, scores: score, perLayer, ...layers }
}

export function checkDensity(value: number, where: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `density${where} must be in 0..1 (the share that is kept), got ${value}`,
    )
  }
}

function forEach(values: Choice, check: (value: number, where: string) => void): void {
  if (typeof values === 'number') check(values, '')
  else for (const [name, value] of Object.entries(values)) check(value, ` of '${name}'`)
}

function named(values: Choice): Named<string> {
  return typeof values === 'number' ? {} : { layers: Object.keys(values) }
}

export function valueFor(values: PerLayer<string>, name: string): number {
  return typeof values === 'number' ? values : values[name]!
}
