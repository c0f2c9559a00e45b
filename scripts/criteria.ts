// Writes the lists of scores and selections, index.ts (or all.ts) and types.ts in lib/prune/score and lib/prune/select,
// from the files beside them: npm run criteria
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of pruning. */
export const PRUNE_FOLDER = fileURLToPath(new URL('../lib/prune', import.meta.url))

interface PartFile {
  readonly file: string
  /** The constant that says what the score or the selection does. */
  readonly constant: string
  /** The type of its plain values. */
  readonly type: string
  /** The word that its plain values have as their kind, which is also the name of its function. */
  readonly word: string
  readonly text: string
}

/** The files of a folder that contain a constant of this type. */
function partsOf(folder: string, type: 'ScoreKind' | 'SelectionKind'): PartFile[] {
  const at = join(PRUNE_FOLDER, folder)
  return readdirSync(at)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => {
      const text = readFileSync(join(at, name), 'utf8')
      const found = new RegExp(`^export const (\\w+): ${type}<(\\w+)> = `, 'm').exec(text)
      const [, word] = /^ {2}readonly kind: '(\w+)'$/m.exec(text) ?? []
      if (!found || !word) return []
      return [{ file: basename(name, '.ts'), constant: found[1]!, type: found[2]!, word, text }]
    })
}

/** The types that programs may name. */
function typesOf(parts: readonly PartFile[]): string {
  const lines = parts.map(({ file, text }) => {
    const names = [...text.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name)
    return `export type { ${names.join(', ')} } from './${file}.js'`
  })
  return `// Written by \`npm run criteria\` from the files beside it.\n${lines.join('\n')}\n`
}

/** What the files must contain, by their paths in lib/prune. */
export function criteriaLists(): Readonly<Record<string, string>> {
  const scores = partsOf('score', 'ScoreKind')
  const selections = partsOf('select', 'SelectionKind').map((part) => {
    const [, functions] = /^export interface (\w+)<By extends AnyScore> \{/m.exec(part.text)!
    return { ...part, functions: functions! }
  })
  return {
    'score/types.ts': typesOf(scores),
    'select/types.ts': typesOf(selections),
    'score/index.ts': `// Written by \`npm run criteria\` from the files beside it.
${scores.map(({ file, type, word, constant }) => `import { type ${type}, ${word}, ${constant} } from './${file}.js'`).join('\n')}

/** What ranks weights. */
export type Score = ${scores.map(({ type }) => type).join(' | ')}

/** Scores by the word that is their kind. */
export const scoreKinds = {
${scores.map(({ word, constant }) => `  ${word}: ${constant},`).join('\n')}
}

/** What decides which connections go: a score ranks weights, and a selection says how many of them stay. */
export const criteria = {
${scores.map(({ word }) => `  ${word},`).join('\n')}
}
`,
    'select/all.ts': `// Written by \`npm run criteria\` from the files beside it.
import type { AnyScore } from '../score/score.js'
${selections.map(({ file, type, functions, constant }) => `import { type ${type}, ${constant}, type ${functions} } from './${file}.js'`).join('\n')}

/** How many weights stay. */
export type Selection<Name extends string = string> = ${selections.map(({ type }) => `${type}<Name>`).join(' | ')}

/** The functions of all selections, for a score. */
export interface Selects<By extends AnyScore> extends ${selections.map(({ functions }) => `${functions}<By>`).join(', ')} {}

/** Selections by the word that is their kind, and the name of their function. */
export const selectionKinds = {
${selections.map(({ word, constant }) => (word === constant ? `  ${word},` : `  ${word}: ${constant},`)).join('\n')}
}
`,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, list] of Object.entries(criteriaLists())) writeFileSync(join(PRUNE_FOLDER, name), list)
}
