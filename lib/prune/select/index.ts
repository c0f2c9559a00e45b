import { TorchPruneError } from '../../base/errors.js'
import { readOptions } from '../../base/option.js'
import type { AnyScore } from '../score/score.js'
import { type Selection, type Selects, selectionKinds } from './all.js'
import { type AnySelection, layersOption, type SelectionKind } from './selection.js'

export { type Selection, selectionKinds }

/** A score, and the selections that make a criterion of it. */
export interface Scored<By extends AnyScore> extends Selects<By> {
  readonly score: By
}

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
