// Written by `npm run criteria` from the files beside it.
import type { AnyScore } from '../score/score.js'
import { type DensitySelection, density, type SelectsByDensity } from './density.js'
import { type DeviationSelection, deviation, type SelectsByDeviation } from './deviation.js'
import { type FiltersSelection, filters, type SelectsFilters } from './filters.js'
import { type GlobalSelection, global, type SelectsGlobally } from './global.js'
import { type NmSelection, nm, type SelectsNm } from './nm.js'

/** How many weights stay. */
export type Selection<Name extends string = string> =
  | DensitySelection<Name>
  | DeviationSelection<Name>
  | FiltersSelection<Name>
  | GlobalSelection<Name>
  | NmSelection<Name>

/** The functions of all selections, for a score. */
export interface Selects<By extends AnyScore>
  extends SelectsByDensity<By>,
    SelectsByDeviation<By>,
    SelectsFilters<By>,
    SelectsGlobally<By>,
    SelectsNm<By> {}

/** Selections by the word that is their kind, and the name of their function. */
export const selectionKinds = {
  density,
  deviation,
  filters,
  global,
  nm,
}
