import { readFile } from 'node:fs/promises'
import { TorchPruneError } from '../base/errors.js'
import { joined, partsOf } from '../base/faults.js'
import { inputError, refuse, sizeOfFile } from '../base/files.js'
import { WrongValue } from '../base/kind.js'
import { quoted, shown } from '../base/shown.js'
import { onOneLine } from '../base/text.js'
import { recipeKind } from './options.js'
import type { Recipe } from './recipe.js'

/**
 * Reads a recipe from plain data, as a JSON file has it. `where` names the source in errors.
 *
 * @throws TorchPruneError `ERR_FILE` naming each field that is wrong.
 */
export function parseRecipe(value: unknown, where: string): Recipe {
  const { $schema: _, ...fields } = Object(value) as Readonly<Record<string, unknown>>
  const plain = typeof value === 'object' && value !== null && !Array.isArray(value)
  try {
    return recipeKind.read(plain ? fields : value, 'recipe') as Recipe
  } catch (error) {
    if (!(error instanceof TorchPruneError)) throw error
    throw new TorchPruneError('ERR_FILE', onOneLine(`${where}: ${joined(partsOf(error).map(inFile))}`), {
      cause: error,
    })
  }
}

/** Reads a recipe from a JSON file. Throws `ERR_FILE` if the file is missing or has no recipe. */
export async function readRecipeFile(path: string): Promise<Recipe> {
  await sizeOfFile(path)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const [reason] = String((error as Error).message).split('\n')
    return refuse(path, `is not JSON (${reason})`, 'correct it')
  }
  return parseRecipe(value, path)
}

/** What is wrong with a field, named as in the file: `dense.epochs: expected a whole number of 1 or more, got 0`. */
function inFile(fault: TorchPruneError): string {
  if (!(fault instanceof WrongValue)) return withoutRoot(fault.message)
  const { field, expected, value } = fault
  const got = value === undefined ? 'and it is missing' : `got ${inJson(value)}`
  const name = withoutRoot(field)
  return `${name === '' ? '' : `${name}: `}expected ${expected}, ${got}`
}

/** Removes `recipe` from the name of a field: in a file, the recipe is the whole. */
function withoutRoot(text: string): string {
  return text.replace(/^recipe(\.|: |$)/, '')
}

function inJson(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : shown(value)
}
