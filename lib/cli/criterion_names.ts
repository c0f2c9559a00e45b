import { scoreKinds } from '../prune/score/index.js'
import { selectionKinds } from '../prune/select/index.js'
import { dashed } from './table_option.js'

/** The values that options of `prune` give to selections, by the names of their arguments. */
const GIVEN = ['density', 'quality', 'n', 'm']

/** The choices of `prune --criterion`, and their scores: those that need no argument. */
export const scoreNames: ReadonlyMap<string, keyof typeof scoreKinds> = new Map(
  Object.entries(scoreKinds)
    .filter(([, { options }]) => Object.values(options).every((kind) => 'fallback' in kind))
    .map(([name]) => [dashed(name), name as keyof typeof scoreKinds]),
)

/** The choices of `prune --select`: the selections whose arguments have an option. */
export const selectionNames: readonly string[] = Object.entries(selectionKinds)
  .filter(([, { given }]) => Object.keys(given).every((name) => GIVEN.includes(name)))
  .map(([name]) => name)
