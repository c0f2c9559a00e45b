// Written by `npm run criteria` from the files beside it.
import { type FilterNormScore, filterNorm, filterNormScore } from './filter_norm.js'
import { type FisherScore, fisher, fisherScore } from './fisher.js'
import { type MagnitudeScore, magnitude, magnitudeScore } from './magnitude.js'
import { type MagnitudePerBitScore, magnitudePerBit, magnitudePerBitScore } from './magnitude_per_bit.js'
import { type OwnScore, ownScore, scores } from './own.js'

/** What ranks weights. */
export type Score = FilterNormScore | FisherScore | MagnitudeScore | MagnitudePerBitScore | OwnScore

/** Scores by the word that is their kind. */
export const scoreKinds = {
  filterNorm: filterNormScore,
  fisher: fisherScore,
  magnitude: magnitudeScore,
  magnitudePerBit: magnitudePerBitScore,
  scores: ownScore,
}

/** What decides which connections go: a score ranks weights, and a selection says how many of them stay. */
export const criteria = {
  filterNorm,
  fisher,
  magnitude,
  magnitudePerBit,
  scores,
}
