import { TorchPruneError } from './errors.js'
import { shown } from './shown.js'

/** The one of `names` that `word` was probably meant to be; undefined if none is close. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const begun = names.find((name) => word.length > 2 && name.startsWith(word))
  if (begun !== undefined) return begun
  const [best] = names
    .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(1, name.length / 2.5))
    // Of names that differ in a number alone, as fc3 and fc1 from fc4, the next one.
    .sort((a, b) => a.edits - b.edits || apart(word, a.name) - apart(word, b.name))
  return best?.name
}

/** ` (did you mean fc3?)`, or nothing. */
export function suggestion(word: unknown, names: readonly string[]): string {
  const guess = typeof word === 'string' ? nearest(word, names) : undefined
  return guess === undefined ? '' : ` (did you mean ${guess}?)`
}

/** How far the last numbers in two words are apart. */
function apart(a: string, b: string): number {
  const [one, other] = [a, b].map((word) => Number(/\d+(?!.*\d)/.exec(word)?.[0] ?? 0))
  return Math.abs(one! - other!)
}

/** The number of insertions, deletions and replacements between two words (Levenshtein distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === b[j] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}

/**
 * The error for an unknown name. It lists the known names and the one with the most similar spelling; `otherwise` is
 * appended and says what else can be used.
 */
export function unknownName(
  what: string,
  name: unknown,
  known: readonly string[],
  otherwise = '',
): TorchPruneError {
  const hint = suggestion(name, known)
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `there is no ${what} ${shown(name)}${hint}: use one of ${known.join(', ')}${otherwise}`,
  )
}
