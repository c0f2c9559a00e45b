import type { Carried } from '../../nn/layers/index.js'
import type { AnyScore } from '../score/score.js'
import {
  type Choice,
  densityKind,
  type Fitting,
  type InLayers,
  type LayersOption,
  largestOfEach,
  type NamesIn,
  type Pair,
  type PerLayer,
  perLayer,
  type SelectionKind,
} from './selection.js'

export const filtersGiven = {
  /** The share of a layer's filters that is kept. */
  density: perLayer(densityKind),
}

/** Keeps a share of each layer's filters, whole. */
export interface FiltersSelection<Name extends string = string> extends InLayers<Name> {
  readonly kind: 'filters'
  readonly density: PerLayer<Name>
}

export interface SelectsFilters<By extends AnyScore> {
  /**
   * Prunes whole filters (rows of a fully connected layer), and keeps this share of each layer's: those whose scores
   * sum up to most. Removing them then makes the network itself smaller.
   *
   * @example criteria.filterNorm().filters({ conv1: 0.5 })
   */
  filters<const Values extends Choice, const Given extends Name = never, Name extends string = string>(
    density: Fitting<Values, NoInfer<Name>>,
    options?: LayersOption<Given>,
  ): Pair<By, FiltersSelection<Carried<NamesIn<Values> | Given, Name>>>
}

export const filters: SelectionKind<FiltersSelection> = {
  given: filtersGiven,
  options: {},
  values: ({ density }) => density,
  plan: ({ density }, layers, ease) => ({
    kind: 'largest',
    filters: true,
    groups: largestOfEach(layers, density, ease, ({ filters }) => filters),
  }),
}
