import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TorchPruneError } from '../base/errors.js'
import { refuse, sizeOfFile } from '../base/files.js'
import { parseRecipe } from './json.js'
import type { Recipe } from './recipe.js'

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
  return parseRecipe(loaded.default, path)
}
