import { words } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'
import type { Carried } from '../../nn/layers/index.js'
import type { AnyScore } from '../score/score.js'
import {
  type DeviationOf,
  densityKind,
  type InLayers,
  type LayersOption,
  type Pair,
  type SelectionKind,
} from './selection.js'

export const globalGiven = {
  /** The share of the weights of all layers together that is kept. */
  density: densityKind,
}
export const globalOptions = {
  /**
   * Divides what is ranked in each layer by its standard deviation first, so that layers of small weights are not
   * emptied.
   * @default 'none'
   */
  normalize: optional(words('none', 'initial', 'current', 'survivors'), 'none'),
}

export interface GlobalOptions extends OptionsOf<typeof globalOptions> {}

/** Keeps a share of the weights of all layers together. */
export interface GlobalSelection<Name extends string = string> extends InLayers<Name> {
  readonly kind: 'global'
  readonly density: number
  readonly normalize: 'none' | DeviationOf
}

export interface SelectsGlobally<By extends AnyScore> {
  /**
   * Keeps the largest of all layers together, this share of their weights after the last round.
   *
   * @example criteria.magnitude().global(0.1, { normalize: 'survivors' })
   */
  global<const Given extends Name = never, Name extends string = string>(
    density: number,
    options?: GlobalOptions & LayersOption<Given>,
  ): Pair<By, GlobalSelection<Carried<Given, Name>>>
}

export const global: SelectionKind<GlobalSelection> = {
  given: globalGiven,
  options: globalOptions,
  plan: ({ density, normalize }, layers, ease) => ({
    kind: 'largest',
    ...(normalize !== 'none' && { normalize }),
    groups: [
      {
        keep: Math.round(ease(density) * layers.reduce((sum, layer) => sum + layer.weights, 0)),
        layers: [...layers.keys()],
      },
    ],
  }),
}
