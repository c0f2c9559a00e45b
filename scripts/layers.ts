// Writes the lists of layers, lib/nn/layers/index.ts and all.ts, from the files in that folder: npm run layers
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the layers. */
export const LAYERS_FOLDER = fileURLToPath(new URL('../lib/nn/layers', import.meta.url))

interface KindFile {
  readonly file: string
  /** The kind that layers have: `maxPool2d` in max_pool2d.ts. */
  readonly kind: string
  /** The type of its layers. */
  readonly type: string
}

/** The file of each kind of layer, in order. */
export function kindFiles(): KindFile[] {
  const files = readdirSync(LAYERS_FOLDER).filter((name) => name.endsWith('.ts'))
  return files
    .filter((name) => readFileSync(join(LAYERS_FOLDER, name), 'utf8').includes('\nexport default '))
    .map((name) => {
      const file = basename(name, '.ts')
      const kind = file.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
      return { file, kind, type: `${kind[0]!.toUpperCase()}${kind.slice(1)}Layer` }
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

/** What the two files must contain, by file name. */
export function layerLists(): Readonly<Record<'all.ts' | 'index.ts', string>> {
  const kinds = kindFiles()
  const lines = (line: (kind: KindFile) => string) => kinds.map(line).join('\n')
  return {
    'all.ts': `// Written by \`npm run layers\` from the files beside it.
${lines(({ kind, file }) => `import ${kind} from './${file}.js'`)}

/** Every kind of layer by its name. */
export const kinds = {
${lines(({ kind }) => `  ${kind},`)}
}
`,
    'index.ts': `// Written by \`npm run layers\` from the files beside it.
${lines(({ type, file }) => `import type { ${type} } from './${file}.js'`)}

${lines(({ file }) => `export * from './${file}.js'`)}
export type { Carried, From } from './parts/kind.js'
export type { Size2 } from './parts/options.js'

/** What a layer of each kind is. */
export interface LayersByKind<From extends string = string> {
${lines(({ kind, type }) => `  readonly ${kind}: ${type}<From>`)}
}

/** A layer, described. Plain data: it can be written as JSON, compared, and sent to another process. */
export type Layer<From extends string = string> = LayersByKind<From>[keyof LayersByKind]
`,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(layerLists())) writeFileSync(join(LAYERS_FOLDER, name), text)
}
