import { type FilterNormScore, filterNorm, filterNormScore } from './filter_norm.js'
import { type FisherScore, fisher, fisherScore } from './fisher.js'
import { type MagnitudeScore, magnitude, magnitudeScore } from './magnitude.js'
import { type OwnScore, ownScore, scores } from './own.js'

/** What ranks weights. A score is a file beside this one, and a line in each of these three. */
export type Score = MagnitudeScore | FisherScore | FilterNormScore | OwnScore

/** Scores by the word that stands in a criterion. */
export const scoreKinds = {
  magnitude: magnitudeScore,
  fisher: fisherScore,
  filterNorm: filterNormScore,
  scores: ownScore,
}

/** What decides which connections go: a score ranks weights, and a selection says how many of them stay. */
export const criteria = { magnitude, fisher, filterNorm, scores }
