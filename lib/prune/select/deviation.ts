import { number, words } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'
import type { Carried } from '../../nn/layers/index.js'
import type { AnyScore } from '../score/score.js'
import {
  type Choice,
  type DeviationOf,
  type Fitting,
  type InLayers,
  type LayersOption,
  type NamesIn,
  type Pair,
  type PerLayer,
  perLayer,
  type SelectionKind,
  valueFor,
} from './selection.js'

export const qualityKind = number({ least: 0 })

export const deviationGiven = {
  /** What scores under this many standard deviations of its layer is pruned. */
  quality: perLayer(qualityKind),
}
export const deviationOptions = {
  /**
   * Which weights a layer's standard deviation is taken of.
   * @default 'survivors'
   */
  of: optional(words('initial', 'current', 'survivors'), 'survivors'),
}

export interface DeviationOptions extends OptionsOf<typeof deviationOptions> {}

/** Keeps what is at least `quality` standard deviations of its layer. */
export interface DeviationSelection<Name extends string = string> extends InLayers<Name> {
  readonly kind: 'deviation'
  readonly quality: PerLayer<Name>
  readonly of: DeviationOf
}

export interface SelectsByDeviation<By extends AnyScore> {
  /**
   * Prunes what scores under `quality` times the standard deviation of its layer: the paper's selection. The threshold
   * is computed again in every round, so equal qualities prune more each time the survivors shrink. The deviation is
   * that of the weights where magnitudes are ranked, and of the scores where others are.
   *
   * @example criteria.magnitude().deviation({ fc1: 1.4, fc2: 1.3, fc3: 0.8 })
   */
  deviation<const Values extends Choice, const Given extends Name = never, Name extends string = string>(
    quality: Fitting<Values, NoInfer<Name>>,
    options?: DeviationOptions & LayersOption<Given>,
  ): Pair<By, DeviationSelection<Carried<NamesIn<Values> | Given, Name>>>
}

export const deviation: SelectionKind<DeviationSelection> = {
  given: deviationGiven,
  options: deviationOptions,
  values: ({ quality }) => quality,
  plan: ({ quality, of }, layers) => ({
    kind: 'threshold',
    of,
    thresholds: layers.map(({ name }) => valueFor(quality, name)),
  }),
}
