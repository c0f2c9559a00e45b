import { list, record } from '../../base/collection.js'
import { anyOf, type Kind, number, text, words } from '../../base/kind.js'
import { optional, type Table } from '../../base/option.js'
import type { NativeSelection } from '../../binding/native.js'
import type { ConnectionKind } from '../../nn/cost.js'
import type { AnyScore } from '../score/score.js'

/** Any selection: the word for how the number of kept weights is chosen, and its options as plain values. */
export interface AnySelection extends InLayers<string> {
  readonly kind: string
}

export interface InLayers<Name extends string> {
  /** The layers to prune, by name, or all of one kind. Defaults to those that the values name, or to all. */
  readonly layers?: readonly Name[] | ConnectionKind | undefined
}

/** A score and a selection together. */
export interface Pair<By extends AnyScore, Select extends AnySelection> {
  readonly score: By
  readonly select: Select
}

/** What a selection knows of a layer. */
export interface SelectedLayer {
  readonly name: string
  readonly weights: number
  /** Outputs of a fully connected layer, output channels of a convolution. */
  readonly filters: number
  /** Inputs to each of them: input channels of a group in a convolution. */
  readonly inputs: number
}

/** The density to reach in a round, from the density to reach in the last one. */
export type Ease = (finalDensity: number) => number

/** A kind of selection: it chooses how many of the weights that a score ranks stay. */
export interface SelectionKind<Select extends AnySelection> {
  /** The positional arguments of its function, in order. */
  readonly given: Table
  /** Its options, besides `layers`. */
  readonly options: Table
  /** Its values that may be given by layer. */
  readonly values?: (select: Select) => PerLayer<string>
  /** Throws if values contradict each other. `name` is what the error begins with. */
  readonly check?: (select: Select, name: string) => void
  /** Throws `ERR_ARGUMENT` for layers in which it cannot choose. */
  readonly checkLayers?: (select: Select, layers: readonly SelectedLayer[]) => void
  /** What the addon does in one round. */
  readonly plan: (select: Select, layers: readonly SelectedLayer[], ease: Ease) => NativeSelection
}

/** The weights whose standard deviation is computed. The paper does not say which, so you choose. */
export type DeviationOf =
  | 'initial' // all weights before the first round, when none is pruned
  | 'current' // all weights now, including pruned ones, which are 0
  | 'survivors' // the weights that are kept now

/** One value for all layers, or one for each by name. */
export type PerLayer<Name extends string> = number | Readonly<Partial<Record<Name, number>>>

/** A single value, or one for each layer by name. */
export type Choice = number | Readonly<Record<string, number>>
/** The layers that a choice names; none in a single value. */
export type NamesIn<Values> = Values extends number ? never : keyof Values & string

/**
 * A choice that names only layers of `Name`: those of the network, if the criterion is written in the same call as the
 * network. The compiler then refuses each other name, and editors suggest the right ones. Without a network, `Name` is
 * `string`, and the criterion carries the names that it was given.
 */
export type Fitting<Values, Name extends string> = [NamesIn<Values>] extends [Name]
  ? Values
  : string extends NamesIn<Values>
    ? number | { readonly [N in Name]: number }
    : number | { readonly [N in Name]?: number }

export interface LayersOption<Given extends string> {
  /**
   * The layers to prune, by name, or all of one kind.
   * @default the layers that the values name, or all that have weights
   */
  readonly layers?: readonly Given[] | ConnectionKind | undefined
}

export const layersOption = {
  /**
   * The layers to prune, by name, or all of one kind.
   * @default the layers that the values name, or all that have weights
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

/** Keeps the largest of each layer by itself: a share of what `count` counts in it. */
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
