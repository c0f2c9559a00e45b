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

export const densityGiven = {
  /** The share of a layer's weights that is kept. */
  density: perLayer(densityKind),
}

/** Keeps a share of each layer's weights. */
export interface DensitySelection<Name extends string = string> extends InLayers<Name> {
  readonly kind: 'density'
  readonly density: PerLayer<Name>
}

export interface SelectsByDensity<By extends AnyScore> {
  /**
   * Keeps the largest of each layer, exactly this share of its weights after the last round. Of equal ones the first by
   * position stay, here and in all selections of a density.
   *
   * @example criteria.magnitude().density({ fc1: 0.1, fc2: 0.2 })
   */
  density<const Values extends Choice, const Given extends Name = never, Name extends string = string>(
    density: Fitting<Values, NoInfer<Name>>,
    options?: LayersOption<Given>,
  ): Pair<By, DensitySelection<Carried<NamesIn<Values> | Given, Name>>>
}

export const density: SelectionKind<DensitySelection> = {
  given: densityGiven,
  options: {},
  values: ({ density }) => density,
  plan: ({ density }, layers, ease) => ({
    kind: 'largest',
    groups: largestOfEach(layers, density, ease, ({ weights }) => weights),
  }),
}
