import { number } from '../base/kind.js'
import { made, readOptions } from '../base/option.js'
import { LARGEST_RATE } from './spec.js'

/** What pulls weights toward zero during training (paper, section 3.1). Biases are not affected. */
export type Regularization =
  | { readonly kind: 'none' }
  | { readonly kind: 'l1'; readonly strength: number }
  | { readonly kind: 'l2'; readonly strength: number }

/** The options of `l1` and `l2`, by name. */
export const strengthOptions = {
  /** The factor of the term that is added to each weight's gradient. */
  strength: number({ least: 0, most: LARGEST_RATE }),
}

/** No regularization. */
export const noRegularization: Regularization = { kind: 'none' }

/**
 * Adds `strength · sign(w)` to each weight's gradient. In the paper, accuracy is better right after pruning, but worse
 * after retraining.
 */
export function l1(strength: number): Regularization {
  return { kind: 'l1', ...readOptions('l1', strengthOptions, { strength }) }
}

/**
 * Adds `strength · w` to each weight's gradient, as weight decay does. In the paper, this gives the best results
 * overall.
 */
export function l2(strength: number): Regularization {
  return { kind: 'l2', ...readOptions('l2', strengthOptions, { strength }) }
}

/** A regularization as an option. */
export const regularizationKind = made<Regularization>({
  kinds: { none: {}, l1: strengthOptions, l2: strengthOptions },
  makers: ['l1(1e-5)', 'l2(5e-4)'],
})
