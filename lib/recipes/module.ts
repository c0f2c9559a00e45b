import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { TorchPruneError } from '../base/errors.js'
import { refuse, sizeOfFile } from '../base/files.js'
import { allIssues } from '../runs/record.js'
import { planSchemas } from './plan.js'
import type { Recipe } from './recipe.js'

const functionSchema = z.custom<(...values: never[]) => unknown>(
  (value) => typeof value === 'function',
  'expected a function',
)

const moduleSchema = z.looseObject({ ...planSchemas, model: functionSchema, data: functionSchema })

/**
 * The recipe that a module exports by default.
 *
 * @throws TorchPruneError `ERR_FILE` for a module that cannot be loaded or exports no recipe.
 */
export async function importRecipe(path: string): Promise<Recipe> {
  await sizeOfFile(path)
  let loaded: { default?: unknown }
  try {
    loaded = await import(pathToFileURL(resolve(path)).href)
  } catch (error) {
    if (error instanceof TorchPruneError) return refuse(path, error.message, 'correct the recipe')
    const [reason] = String(error).split('\n')
    return refuse(path, `cannot be loaded (${reason})`, 'correct the module')
  }
  if (loaded.default === undefined) {
    refuse(path, 'has no default export', 'write `export default defineRecipe({ … })`')
  }
  const parsed = moduleSchema.safeParse(loaded.default)
  if (!parsed.success) return refuse(path, `is no recipe: ${allIssues(parsed.error)}`, 'correct the recipe')
  return parsed.data as unknown as Recipe
}
