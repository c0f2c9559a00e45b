import { list, record } from '../base/collection.js'
import {
  anyOf,
  boolean,
  callback,
  type Kind,
  number,
  seed as seedKind,
  text,
  whole,
  words,
} from '../base/kind.js'
import { made, type OptionsOf, optional, readOptions } from '../base/option.js'
import type { ConnectionKind } from '../nn/cost.js'
import type { Carried } from '../nn/layers/index.js'
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

/** A density as an argument. */
export const densityKind = number({ least: 0, most: 1, note: 'the share that is kept' })

function perLayer(each: Kind<number>): Kind<Choice> {
  return anyOf(each, record(each, 'an object of numbers by layer'))
}
const perLayerDensity = perLayer(densityKind)
const deviationOf = words('initial', 'current', 'survivors')
const scoreKind = callback<ScoreFunction>()

export const deviationOptions = {
  /**
   * Which weights a layer's standard deviation is taken of.
   * @default 'survivors'
   */
  of: optional(deviationOf, 'survivors'),
}
export const globalDensityOptions = {
  /**
   * Divides each layer's weights by its deviation first, so that layers of small weights are not emptied.
   * @default 'none'
   */
  normalize: optional(words('none', 'initial', 'current', 'survivors'), 'none'),
}
export const fisherOptions = {
  /** @default 50 */
  batches: optional(whole(1), 50),
  /** @default 64 */
  batchSize: optional(whole(1), 64),
  /**
   * Draws the samples.
   * @default 0
   */
  seed: optional(seedKind, 0),
}
export const scoresOptions = {
  /**
   * Whether each layer keeps its own share, or all of them together.
   * @default false
   */
  perLayer: optional(boolean, false),
}
export const layersOption = {
  layers: optional(anyOf(list(text, 'an array of names of layers'), words('conv', 'fc'))),
}

export interface DeviationOptions extends OptionsOf<typeof deviationOptions> {}
export interface GlobalDensityOptions extends OptionsOf<typeof globalDensityOptions> {}
export interface FisherOptions extends OptionsOf<typeof fisherOptions> {}
export interface ScoresOptions extends OptionsOf<typeof scoresOptions> {}
export interface LayersOption<Given extends string> {
  /**
   * The layers that are pruned, by name or all of a kind.
   * @default all with connections
   */
  readonly layers?: readonly Given[] | ConnectionKind | undefined
}

const kinds = {
  deviation: { quality: perLayer(number({ least: 0 })), ...deviationOptions, ...layersOption },
  layerDensity: { density: perLayerDensity, ...layersOption },
  globalDensity: { density: densityKind, ...globalDensityOptions, ...layersOption },
  fisher: { density: densityKind, ...fisherOptions, ...layersOption },
  filterNorm: { density: perLayerDensity, ...layersOption },
  scores: { density: densityKind, scores: scoreKind, ...scoresOptions, ...layersOption },
}

const anyCriterion = made<Criterion>({
  kinds,
  makers: ['prune.deviation(1)', 'prune.layerDensity(0.1)', 'prune.globalDensity(0.1)', 'another criterion'],
})

/** A criterion as an option. In plain data, the layers are those with a value. */
export const criterionKind: typeof anyCriterion = {
  ...anyCriterion,
  read(value, name) {
    const read = anyCriterion.read(value, name)
    const values = read.kind === 'deviation' ? read.quality : read.density
    return read.layers === undefined ? { ...read, ...named(values as Choice) } : read
  },
}

/**
 * The paper's criterion: prunes |w| under `quality` times the layer's standard deviation. The threshold is
 * computed again in every round, so equal qualities prune more each time the survivors shrink.
 *
 * @example prune.deviation({ fc1: 1.4, fc2: 1.3, fc3: 0.8 })
 */
export function deviation<const Values extends Choice, Name extends string = string>(
  quality: Fitting<Values, NoInfer<Name>>,
  options?: DeviationOptions,
): DeviationCriterion<Carried<NamesIn<Values>, Name>>
export function deviation(quality: Choice, options: DeviationOptions = {}): DeviationCriterion {
  const read = readOptions('prune.deviation', { quality: kinds.deviation.quality }, { quality })
  const { of } = readOptions('prune.deviation', deviationOptions, options)
  return { kind: 'deviation', ...read, of, ...named(read.quality) }
}

/**
 * Keeps the largest |w| of each layer, exactly this share of its weights after the last round. Of equal ones the
 * first by position stay, here and in all criteria of a density.
 */
export function layerDensity<const Values extends Choice, Name extends string = string>(
  density: Fitting<Values, NoInfer<Name>>,
): LayerDensityCriterion<Carried<NamesIn<Values>, Name>>
export function layerDensity(density: Choice): LayerDensityCriterion {
  const read = readOptions('prune.layerDensity', { density: perLayerDensity }, { density })
  return { kind: 'layerDensity', ...read, ...named(read.density) }
}

/** Keeps the largest |w| of all layers together, this share of the weights after the last round. */
export function globalDensity<const Given extends Name = never, Name extends string = string>(
  density: number,
  options: GlobalDensityOptions & LayersOption<Given> = {},
): GlobalDensityCriterion<Carried<Given, Name>> {
  const read = readOptions('prune.globalDensity', { density: densityKind }, { density })
  const own = readOptions('prune.globalDensity', { ...globalDensityOptions, ...layersOption }, options)
  return { kind: 'globalDensity', ...read, ...own } as GlobalDensityCriterion<Carried<Given, Name>>
}

/**
 * Keeps the weights whose loss would cost most by a second-order estimate, `½ · F · w²`, with the diagonal of the
 * empirical Fisher information for F (LeCun, Denker and Solla 1989; Theis et al. 2018), of all layers together.
 * Frozen layers are scored like the others. F is the mean of squared gradients over `batches` batches of the training set, in evaluation mode. The samples are
 * drawn by `seed`, none twice.
 */
export function fisher<const Given extends Name = never, Name extends string = string>(
  density: number,
  options: FisherOptions & LayersOption<Given> = {},
): FisherCriterion<Carried<Given, Name>> {
  const read = readOptions('prune.fisher', { density: densityKind }, { density })
  const own = readOptions('prune.fisher', { ...fisherOptions, ...layersOption }, options)
  return { kind: 'fisher', ...read, ...own } as FisherCriterion<Carried<Given, Name>>
}

/**
 * Prunes whole filters (rows of a fully connected layer), those with the smallest L1 norm, and keeps this share of
 * each layer's (Li et al. 2017). Removing them then makes the network itself smaller.
 */
export function filterNorm<const Values extends Choice, Name extends string = string>(
  density: Fitting<Values, NoInfer<Name>>,
): FilterNormCriterion<Carried<NamesIn<Values>, Name>>
export function filterNorm(density: Choice): FilterNormCriterion {
  const read = readOptions('prune.filterNorm', { density: perLayerDensity }, { density })
  return { kind: 'filterNorm', ...read, ...named(read.density) }
}

/** A criterion of one's own: one function from a layer's weight to scores; the largest stay. */
export function scores<const Given extends Name = never, Name extends string = string>(
  density: number,
  score: ScoreFunction,
  options: ScoresOptions & LayersOption<Given> = {},
): ScoresCriterion<Carried<Given, Name>> {
  const table = { density: densityKind, scores: scoreKind }
  const read = readOptions('prune.scores', table, { density, scores: score })
  const own = readOptions('prune.scores', { ...scoresOptions, ...layersOption }, options)
  return { kind: 'scores', ...read, ...own } as ScoresCriterion<Carried<Given, Name>>
}

function named(values: Choice): Named<string> {
  return typeof values === 'number' ? {} : { layers: Object.keys(values) }
}

export function valueFor(values: PerLayer<string>, name: string): number {
  return typeof values === 'number' ? values : values[name]!
}
