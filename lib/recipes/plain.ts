import { TorchPruneError } from '../base/errors.js'
import { plainModel } from './model.js'
import { type Recipe, readRecipe } from './recipe.js'

/**
 * Returns a recipe as plain data for JSON, complete with its defaults. Read again, it computes the same.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` if it has a value that JSON cannot represent, such as a function or a network.
 */
export function plainRecipe(recipe: Recipe): Recipe {
  const { name, model, data, dense, prune, quantize, code, paper } = readRecipe('plainRecipe', recipe)
  if (typeof data === 'function') refuse('data', "name a data set, such as 'mnist'")
  const rest = { ...(quantize && { quantize }), ...(code && { code }), ...(paper && { paper }) }
  const plain: Recipe = { name, model: plainModel(model), data, dense, prune, ...rest }
  checkPlain(plain, '')
  return plain
}

/** Throws for the first value that JSON would change. */
function checkPlain(value: unknown, field: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse(field, 'leave it out, or give a finite number')
    return
  }
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (typeof value !== 'object' || !plain) refuse(field, 'leave it out')
  for (const [key, one] of Object.entries(value)) {
    if (one !== undefined) checkPlain(one, field === '' ? key : `${field}.${key}`)
  }
}

function refuse(field: string, fix: string): never {
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `the recipe's ${field} is of a program, and JSON cannot hold it: ${fix}`,
  )
}
