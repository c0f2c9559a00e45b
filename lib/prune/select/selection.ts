import { list, record } from '../../base/collection.js'
import { anyOf, type Kind, number, text, words } from '../../base/kind.js'
import { optional, type Table } from '../../base/option.js'
import type { NativeSelection } from '../../binding/native.js'
import type { ConnectionKind } from '../../nn/cost.js'
import type { AnyScore } from '../score/score.js'

/** Any selection: the name of what says how many weights stay, and its options as plain values. */
export interface AnySelection extends InLayers<string> {
  readonly kind: string
}

export interface InLayers<Name extends string> {
  /** The layers that are pruned, by name or all of a kind; those that values name, or all with connections, when undefined. */
  readonly layers?: readonly Name[] | ConnectionKind | undefined
}

/** A score and a selection together. */
export interface Pair<By extends AnyScore, Select extends AnySelection> {
  readonly score: By
  readonly select: Select
}

/** A layer as a selection sees it. */
export interface SelectedLayer {
  readonly name: string
  readonly weights: number
  /** Outputs of a fully connected layer, output channels of a convolution. */
  readonly filters: number
  /** Inputs to each of them: input channels of a group in a convolution. */
  readonly inputs: number
}

/** How densities come down over the rounds: what a round is to reach, of what the last one is. */
export type Ease = (finalDensity: number) => number

/** A kind of selection: how many weights stay, of those that a score ranks. */
export interface SelectionKind<Select extends AnySelection> {
  /** What its function takes by position, in order. */
  readonly given: Table
  /** What it takes as options, besides `layers`. */
  readonly options: Table
  /** The values that may be given by layer. */
  readonly values?: (select: Select) => PerLayer<string>
  /** Throws for values that do not fit each other. `name` is what the error begins with. */
  readonly check?: (select: Select, name: string) => void
  /** Throws `ERR_ARGUMENT` for layers that it cannot choose in. */
  readonly checkLayers?: (select: Select, layers: readonly SelectedLayer[]) => void
  /** What the addon does for it in one round. */
  readonly plan: (select: Select, layers: readonly SelectedLayer[], ease: Ease) => NativeSelection
}

/** Which weights a layer's standard deviation is taken of. The paper does not say, so it is a choice. */
export type DeviationOf =
  | 'initial' // of the weights before the first round, pruned by nobody yet
  | 'current' // of all weights now, zeros included
  | 'survivors' // of the weights that are still there

/** A value for every layer, or one for each by name. */
export type PerLayer<Name extends string> = number | Readonly<Partial<Record<Name, number>>>

/** A single value, or one for each layer by name. */
export type Choice = number | Readonly<Record<string, number>>
/** The layers that a choice names; none in a single value. */
export type NamesIn<Values> = Values extends number ? never : keyof Values & string

/**
 * A choice, where it names layers of `Name` alone: those of the network, where a criterion is written as an argument
 * beside one. Others are then refused one by one, and editors offer the right ones. Without a network, `Name` is
 * `string`, and the criterion carries the names that it was given.
 */
export type Fitting<Values, Name extends string> = [NamesIn<Values>] extends [Name]
  ? Values
  : string extends NamesIn<Values>
    ? number | { readonly [N in Name]: number }
    : number | { readonly [N in Name]?: number }

export interface LayersOption<Given extends string> {
  /**
   * The layers that are pruned, by name or all of a kind.
   * @default those that values name, or all with connections
   */
  readonly layers?: readonly Given[] | ConnectionKind | undefined
}

export const layersOption = {
  /**
   * The layers that are pruned, by name or all of a kind.
   * @default those that values name, or all with connections
   */
  layers: optional(anyOf(list(text, 'an array of names of layers'), words('conv', 'fc'))),
}

/** A density as an argument. */
export const densityKind = number({ least: 0, most: 1, note: 'the share that is kept' })

/** One number for all layers, or one for each by name. */
export function perLayer(each: Kind<number>): Kind<Choice> {
  return anyOf(each, record(each, 'an object of numbers by layer'))
}

export function valueFor(values: PerLayer<string>, name: string): number {
  return typeof values === 'number' ? values : values[name]!
}

/** The largest of each layer by itself: a share of what `count` finds in it. */
export function largestOfEach(
  layers: readonly SelectedLayer[],
  density: PerLayer<string>,
  ease: Ease,
  count: (layer: SelectedLayer) => number,
) {
  return layers.map((layer, i) => ({
    keep: Math.round(ease(valueFor(density, layer.name)) * count(layer)),
    layers: [i],
  }))
}
