import { TorchPruneError } from '../../base/errors.js'
import { readOptions } from '../../base/option.js'
import type { AnyScore } from '../score/score.js'
import { type DensitySelection, density, type SelectsByDensity } from './density.js'
import { type DeviationSelection, deviation, type SelectsByDeviation } from './deviation.js'
import { type FiltersSelection, filters, type SelectsFilters } from './filters.js'
import { type GlobalSelection, global, type SelectsGlobally } from './global.js'
import { type NmSelection, nm, type SelectsNm } from './nm.js'
import { type AnySelection, layersOption, type SelectionKind } from './selection.js'

/** How many weights stay. A selection is a file beside this one, and a line in each of these three. */
export type Selection<Name extends string = string> =
  | DeviationSelection<Name>
  | DensitySelection<Name>
  | GlobalSelection<Name>
  | NmSelection<Name>
  | FiltersSelection<Name>

/** A score, and the selections that make a criterion of it. */
export interface Scored<By extends AnyScore>
  extends SelectsByDeviation<By>,
    SelectsByDensity<By>,
    SelectsGlobally<By>,
    SelectsNm<By>,
    SelectsFilters<By> {
  readonly score: By
}

/** Selections by the word that stands in a criterion, and that of their function. */
export const selectionKinds = { deviation, density, global, nm, filters }

/** A score with the functions of all selections. */
export function scored<By extends AnyScore>(score: By): Scored<By> {
  const makers = Object.entries(selectionKinds).map(([name, kind]) => [
    name,
    (...values: unknown[]) => ({ score, select: selection(score, name, kind as never, values) }),
  ])
  return { score, ...Object.fromEntries(makers) } as Scored<By>
}

/** The arguments of a selection's function as plain values. */
function selection(
  score: AnyScore,
  name: string,
  kind: SelectionKind<AnySelection>,
  written: readonly unknown[],
): AnySelection {
  const caller = `criteria.${score.kind}().${name}`
  const names = Object.keys(kind.given)
  const given = Object.fromEntries(names.map((each, i) => [each, written[i]]))
  const read = readOptions(caller, kind.given, given)
  const options = readOptions(caller, { ...kind.options, ...layersOption }, written[names.length])
  const select: AnySelection = { kind: name, ...read, ...options }
  checkSelection(select, caller)
  return select
}

/** Throws `ERR_ARGUMENT` for values that do not fit each other. `name` is what the error begins with. */
export function checkSelection(select: AnySelection, name: string): void {
  const kind = kindOf(select)
  kind.check?.(select, name)
  if (select.layers === undefined || typeof (kind.values?.(select) ?? 0) === 'number') return
  throw new TorchPruneError('ERR_ARGUMENT', `${name}: values by layer name the layers: leave layers out`)
}

/** What a selection does. */
export function kindOf(select: AnySelection): SelectionKind<AnySelection> {
  return selectionKinds[select.kind as keyof typeof selectionKinds] as never
}

/** The layers that a selection names, by name or all of a kind; undefined where it takes all. */
export function layersIn(select: AnySelection): AnySelection['layers'] {
  const values = kindOf(select).values?.(select)
  return typeof values === 'object' ? Object.keys(values) : select.layers
}
