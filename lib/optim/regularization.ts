import { TorchPruneError } from '../errors.js'
import { LARGEST_RATE } from './spec.js'

/** What pulls weights towards zero while training (paper, section 3.1). Biases are left alone. */
export type Regularization =
  | { readonly kind: 'none' }
  | { readonly kind: 'l1'; readonly strength: number }
  | { readonly kind: 'l2'; readonly strength: number }

export const noRegularization: Regularization = { kind: 'none' }

/** Adds `strength · sign(w)` to each weight's gradient: better right after pruning, worse after retraining. */
export function l1(strength: number): Regularization {
  return { kind: 'l1', strength: checked(strength) }
}

/** Adds `strength · w` to each weight's gradient, as weight decay does: the best results overall. */
export function l2(strength: number): Regularization {
  return { kind: 'l2', strength: checked(strength) }
}

function checked(strength: number): number {
  if (!(strength >= 0 && strength <= LARGEST_RATE)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `the strength of regularization must be in 0..1e20, got ${strength}`,
    )
  }
  return strength
}
