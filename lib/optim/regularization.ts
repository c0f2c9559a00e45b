import { number } from '../base/kind.js'
import { made, readOptions } from '../base/option.js'
import { LARGEST_RATE } from './spec.js'

/** What pulls weights towards zero while training (paper, section 3.1). Biases are left alone. */
export type Regularization =
  | { readonly kind: 'none' }
  | { readonly kind: 'l1'; readonly strength: number }
  | { readonly kind: 'l2'; readonly strength: number }

export const strengthOptions = {
  /** The factor of the term that is added to each weight's gradient. */
  strength: number({ least: 0, most: LARGEST_RATE }),
}

export const noRegularization: Regularization = { kind: 'none' }

/** Adds `strength · sign(w)` to each weight's gradient: better right after pruning, worse after retraining. */
export function l1(strength: number): Regularization {
  return { kind: 'l1', ...readOptions('l1', strengthOptions, { strength }) }
}

/** Adds `strength · w` to each weight's gradient, as weight decay does: the best results overall. */
export function l2(strength: number): Regularization {
  return { kind: 'l2', ...readOptions('l2', strengthOptions, { strength }) }
}

/** A regularization as an option. */
export const regularizationKind = made<Regularization>({
  kinds: { none: {}, l1: strengthOptions, l2: strengthOptions },
  makers: ['l1(1e-5)', 'l2(5e-4)'],
})
