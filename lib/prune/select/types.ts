// Written by `npm run criteria` from the files beside it.
export type { DensitySelection, SelectsByDensity } from './density.js'
export type { DeviationOptions, DeviationSelection, SelectsByDeviation } from './deviation.js'
export type { FiltersSelection, SelectsFilters } from './filters.js'
export type { GlobalOptions, GlobalSelection, SelectsGlobally } from './global.js'
export type { NmSelection, SelectsNm } from './nm.js'
