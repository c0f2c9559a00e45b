import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { inputError, refuse, sizeOfFile } from '../base/files.js'
import { mnist } from '../data/mnist.js'
import { createModel } from '../models/registry.js'
import { Network, type NetworkOptions } from '../nn/network.js'
import { parseGraph } from '../nn/weights_file.js'
import { allIssues } from '../runs/record.js'
import { cifar10Data, imageData, type ReadData } from './data.js'
import { planSchemas } from './plan.js'
import type { Recipe } from './recipe.js'

const count = z.int().positive().exactOptional()
const channels = z.tuple([z.number(), z.number(), z.number()]).exactOptional()

/** Each kind of data, with its options. */
const dataKinds = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mnist'), validation: count }).transform(
    ({ kind: _, ...options }): ReadData =>
      (dir) =>
        mnist(dir, options),
  ),
  z
    .strictObject({ kind: z.literal('cifar10'), validation: count })
    .transform(({ kind: _, ...options }) => cifar10Data(options)),
  z
    .strictObject({
      kind: z.literal('images'),
      size: count,
      resize: count,
      mean: channels,
      std: channels,
      exact: z.boolean().exactOptional(),
      validation: count,
    })
    .transform(({ kind: _, ...options }) => imageData(options)),
])
const dataKind = z.enum(['mnist', 'cifar10', 'images']).transform((kind) => dataKinds.parse({ kind }))

const modelName = z.strictObject({
  name: z.string(),
  classes: count,
  size: count,
  hidden: count,
  dropout: z.number().min(0).max(1).exactOptional(),
})

const recipeSchema = z.strictObject({
  ...planSchemas,
  /** The name of a model, with options where it takes them, or a layer graph as safetensors files of ours hold it. */
  model: z.union(
    [z.string().transform((name) => ({ name })), modelName, z.looseObject({ layers: z.unknown() })],
    'expected the name of a model, { name, classes, size, hidden, dropout }, or { input, layers }',
  ),
  data: z.union(
    [dataKind, dataKinds],
    'expected "mnist", "cifar10", "images", or { "kind": one of them, … }',
  ),
})

/**
 * A recipe in plain data, as a JSON file holds it. `where` names the source in errors.
 *
 * @throws TorchPruneError `ERR_FILE` naming each field that is wrong.
 */
export function parseRecipe(value: unknown, where: string): Recipe {
  const parsed = recipeSchema.safeParse(value)
  if (!parsed.success) return refuse(where, `is no recipe: ${allIssues(parsed.error)}`, 'correct the recipe')
  const { model, data, ...plans } = parsed.data
  return { ...plans, model: modelOf(model, where), data }
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

function modelOf(model: z.infer<typeof modelName> | object, where: string): Recipe['model'] {
  if ('name' in model) {
    const { name, ...own } = model as z.infer<typeof modelName>
    return (options: NetworkOptions) => createModel(name, { ...own, ...options })
  }
  const { inputShape, layers } = parseGraph(model, where)
  return (options: NetworkOptions) => new Network(inputShape, layers, options)
}
