import { readHelp } from '../base/help.js'
import type { JsonSchema } from '../base/kind.js'
import { recipeKind } from './options.js'

/** Where tables of options stand that recipes are made of. */
const FOLDERS = ['base', 'data', 'models', 'nn', 'optim', 'prune', 'quantize', 'recipes', 'runs', 'train']

/** The JSON Schema (draft 2020-12) of a recipe in a file, derived from the tables of options that it is read by. */
export async function recipeSchema(): Promise<JsonSchema> {
  const { properties, ...schema } = recipeKind.schema!(await readHelp(FOLDERS))!
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A recipe of torch-prune',
    description: 'A network, its data, and how it is trained, pruned and retrained.',
    ...schema,
    properties: {
      $schema: { description: 'This schema, for editors.', type: 'string' },
      ...(properties as JsonSchema),
    },
  }
}
