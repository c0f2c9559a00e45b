// Written by `npm run criteria` from the files beside it.
export type { FilterNormOptions, FilterNormScore } from './filter_norm.js'
export type { FisherOptions, FisherScore } from './fisher.js'
export type { MagnitudeScore } from './magnitude.js'
export type { MagnitudePerBitOptions, MagnitudePerBitScore } from './magnitude_per_bit.js'
export type { OwnScore, ScoreFunction } from './own.js'
