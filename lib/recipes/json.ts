import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { mnist } from '../data/mnist.js'
import { inputError, refuse, sizeOfFile } from '../io/files.js'
import { parseGraph } from '../io/network.js'
import { createModel } from '../models/registry.js'
import { Network, type NetworkOptions } from '../nn/network.js'
import { firstIssue } from '../report/record.js'
import { planSchemas } from './plan.js'
import type { Recipe } from './recipe.js'

const recipeSchema = z.strictObject({
  ...planSchemas,
  /** The name of a model, or a layer graph as safetensors files of ours hold it. */
  model: z.union([z.string(), z.looseObject({})], 'expected the name of a model, or { input, layers }'),
  data: z.union(
    [
      z.literal('mnist').transform(() => ({})),
      z
        .strictObject({ kind: z.literal('mnist'), validation: z.int().positive().exactOptional() })
        .transform(({ kind: _, ...options }) => options),
    ],
    'expected "mnist", or { "kind": "mnist", "validation": N }',
  ),
})

/**
 * A recipe in plain data, as a JSON file holds it. `where` names the source in errors.
 *
 * @throws TorchPruneError `ERR_FILE` naming the field that is wrong.
 */
export function parseRecipe(value: unknown, where: string): Recipe {
  const parsed = recipeSchema.safeParse(value)
  if (!parsed.success) return refuse(where, `is no recipe: ${firstIssue(parsed.error)}`, 'correct that field')
  const { model, data, ...plans } = parsed.data
  return { ...plans, model: modelOf(model, where), data: (dir) => mnist(dir, data) }
}

/** Reads a recipe from a JSON file. Throws `ERR_FILE` for one that is missing or holds none. */
export async function readRecipe(path: string): Promise<Recipe> {
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

function modelOf(model: string | object, where: string): Recipe['model'] {
  if (typeof model === 'string') return (options: NetworkOptions) => createModel(model, options)
  const { inputShape, layers } = parseGraph(model, where)
  return (options: NetworkOptions) => new Network(inputShape, layers, options)
}
