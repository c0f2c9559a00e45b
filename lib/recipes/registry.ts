import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { nearest } from '../base/spelling.js'
import type { Recipe } from './recipe.js'

/** Recipes by the names that the command line takes, loaded when they are wanted. */
const RECIPES = {
  'lenet-300-100': () => import('./lenet-300-100.js'),
  'lenet-300-100-deep': () => import('./lenet-300-100-deep.js'),
  'lenet-5': () => import('./lenet-5.js'),
  'lenet-5-deep': () => import('./lenet-5-deep.js'),
  alexnet: () => import('./alexnet.js'),
  'alexnet-caffe': () => import('./alexnet-caffe.js'),
  'vgg-16': () => import('./vgg-16.js'),
  'vgg-16-bn': () => import('./vgg-16-bn.js'),
  'resnet-18-imagenet': () => import('./resnet-18-imagenet.js'),
  'resnet-50-imagenet': () => import('./resnet-50-imagenet.js'),
  'resnet-9': () => import('./resnet-9.js'),
  'resnet-18': () => import('./resnet-18.js'),
  'resnet-34': () => import('./resnet-34.js'),
  'resnet-50': () => import('./resnet-50.js'),
  'wrn-16-2': () => import('./wrn-16-2.js'),
  'wrn-16-2-hour': () => import('./wrn-16-2-hour.js'),
  'wrn-40-1': () => import('./wrn-40-1.js'),
  'wrn-40-2': () => import('./wrn-40-2.js'),
} satisfies Record<string, () => Promise<{ default: Recipe }>>

export type RecipeName = keyof typeof RECIPES
export const recipeNames = Object.keys(RECIPES) as RecipeName[]

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
  if (Object.hasOwn(RECIPES, nameOrPath)) return (await RECIPES[nameOrPath as RecipeName]()).default
  if (nameOrPath.endsWith('.json')) return (await import('./json.js')).readRecipe(nameOrPath)
  if (looksLikePath(nameOrPath)) return (await import('./module.js')).importRecipe(nameOrPath)
  const names = [...new Set([...recipeNames, ...others])]
  throw unknownName(what, nameOrPath, names, ', or give a path to a recipe module or JSON file')
}

/** A name that is not known, with those that are, and the nearest by spelling. */
export function unknownName(
  what: string,
  name: string,
  known: readonly string[],
  otherwise = '',
): TorchPruneError {
  const guess = nearest(name, known)
  return new TorchPruneError(
    'ERR_ARGUMENT',
    `there is no ${what} '${name}'${guess ? ` (did you mean ${guess}?)` : ''}: ` +
      `use one of ${known.join(', ')}${otherwise}`,
  )
}

function looksLikePath(text: string): boolean {
  return /[\\/]/.test(text) || /^\.[cm]?[jt]s$/.test(extname(text)) || existsSync(text)
}
