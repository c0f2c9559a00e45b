import { type Scored, scored } from '../select/index.js'
import type { ScoreKind } from './score.js'

/** Ranks weights by their magnitude, `|w|`. */
export interface MagnitudeScore {
  readonly kind: 'magnitude'
}

export const magnitudeScore: ScoreKind<MagnitudeScore> = { options: {} }

/**
 * Ranks weights by their magnitude, `|w|`: the paper's score.
 *
 * @example criteria.magnitude().deviation({ fc1: 1.4, fc2: 1.3, fc3: 0.8 })
 */
export function magnitude(): Scored<MagnitudeScore> {
  return scored({ kind: 'magnitude' })
}
