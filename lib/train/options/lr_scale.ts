import { record } from '../../base/collection.js'
import { type Kind, number } from '../../base/kind.js'
import { LARGEST_RATE } from '../../optim/spec.js'

/** Factors of the learning rate, by layer. */
export type LrScale<Name extends string = string> = { readonly [N in Name]?: number }

export const lrScaleKind: Kind<LrScale> = record(
  number({ least: 0, most: LARGEST_RATE }),
  'an object of factors by layer',
)
