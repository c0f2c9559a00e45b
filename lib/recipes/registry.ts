import { existsSync, readdirSync } from 'node:fs'
import { extname } from 'node:path'
import { unknownName } from '../base/spelling.js'
import type { Recipe } from './recipe.js'

/** Each file in this folder is a recipe with the file's name, so a new recipe needs no registration. */
const FOLDER = new URL('built_in/', import.meta.url)
const files = new Map(
  readdirSync(FOLDER).flatMap((file) => {
    const name = /^([\w-]+)\.[jt]s$/.exec(file)?.[1]
    return name === undefined ? [] : [[name, file] as const]
  }),
)

/** The recipes that the command line knows by name. */
export const recipeNames: readonly string[] = [...files.keys()].sort(
  new Intl.Collator('en', { numeric: true }).compare,
)

/**
 * A recipe by its name, or from a path to a JSON file or to a module whose default export is one.
 *
 * @param what what the name stands for, in the error
 * @param others names that would have been known as well
 * @throws TorchPruneError `ERR_ARGUMENT` for a name that is not known, with the nearest one; `ERR_FILE` for a
 * file that holds no recipe.
 */
export async function findRecipe(
  nameOrPath: string,
  what = 'recipe',
  others: readonly string[] = [],
): Promise<Recipe> {
  const file = files.get(nameOrPath)
  if (file !== undefined) return ((await import(new URL(file, FOLDER).href)) as { default: Recipe }).default
  if (nameOrPath.endsWith('.json')) return (await import('./json.js')).readRecipeFile(nameOrPath)
  if (looksLikePath(nameOrPath)) return (await import('./module.js')).importRecipe(nameOrPath)
  const names = [...new Set([...recipeNames, ...others])]
  throw unknownName(what, nameOrPath, names, ', or give a path to a recipe module or JSON file')
}

function looksLikePath(text: string): boolean {
  return /[\\/]/.test(text) || /^\.[cm]?[jt]s$/.test(extname(text)) || existsSync(text)
}
