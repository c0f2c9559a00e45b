// Writes the lists of models, lib/models/index.ts and all.ts, from the files in that folder: npm run models
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the models. */
export const MODELS_FOLDER = fileURLToPath(new URL('../lib/models', import.meta.url))

interface ModelFile {
  readonly file: string
  /** Each function that makes a model, with the name under which it reads its options. */
  readonly models: readonly { readonly maker: string; readonly name: string }[]
}

const text = (file: string) => readFileSync(join(MODELS_FOLDER, file), 'utf8')

/** The files that contain models, in order. */
export function modelFiles(): ModelFile[] {
  return readdirSync(MODELS_FOLDER)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const makers = text(name).matchAll(
        /^export function (\w+)\([^)]*\) \{\n(?:(?!^\}).*\n)*? +const read = readModelOptions\('([\w-]+)'/gm,
      )
      return {
        file: basename(name, '.ts'),
        models: [...makers].map(([, maker, model]) => ({ maker: maker!, name: model! })),
      }
    })
    .filter(({ models }) => models.length > 0)
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

/** What the two files must contain, by file name. */
export function modelLists(): Readonly<Record<'all.ts' | 'index.ts', string>> {
  const files = modelFiles()
  const options = [...text('options.ts').matchAll(/^export interface (\w+)/gm)].map(([, name]) => name)
  const models = files.flatMap((file) => file.models).sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    'all.ts': `// Written by \`npm run models\` from the files beside it.
${files.map(({ file, models }) => `import { ${models.map(({ maker }) => maker).join(', ')} } from './${file}.js'`).join('\n')}

/** The functions that make models, by the names that the command line, recipes and \`createModel\` use. */
export const MODELS = {
${models.map(({ name, maker }) => (name === maker ? `  ${name},` : `  '${name}': ${maker},`)).join('\n')}
}
`,
    'index.ts': `// Written by \`npm run models\` from the files beside it.
${files.map(({ file }) => `export * from './${file}.js'`).join('\n')}
export type { ${options.join(', ')} } from './options.js'
export { type AnyModelOptions, createModel, type ModelName, type Models, modelNames } from './registry.js'
`,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, list] of Object.entries(modelLists())) writeFileSync(join(MODELS_FOLDER, name), list)
}
