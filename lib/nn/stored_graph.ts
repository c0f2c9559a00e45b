import { z } from 'zod'
import { quoted, refuse } from '../base/files.js'
import { product, repeated } from '../base/lists.js'
import { shown } from '../base/shown.js'
import { readTensorFileHeader } from '../formats/tensor_file.js'
import { parameterCount } from './cost.js'
import { type Layers, resolveGraph } from './graph.js'
import { layerKind } from './layer_kind.js'
import type { Layer } from './layers/index.js'
import type { Shape } from './shapes.js'
import type { WeightHolder } from './weight_holder.js'

const count = z.int().positive()

/** A layer graph as it stands in a file. An array, since objects in JSON have no order to rely on. */
const graphSchema = z.object({
  input: z.array(count).min(1),
  layers: z.array(z.object({ name: z.string(), layer: z.unknown() })).min(1),
})

/** What a file says of its network. */
export interface StoredGraph {
  readonly inputShape: Shape
  readonly layers: Layers
}

/** The key of the metadata under which a file has its graph. */
export const GRAPH_KEY = 'torch-prune.graph'

/** Checks a layer graph that came from outside; `where` names the source in the error. */
export function parseGraph(value: unknown, where: string): StoredGraph {
  const parsed = graphSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw refuse(
      where,
      `its layer graph is wrong at ${issue.path.join('.')}: ${issue.message}`,
      'write it again',
    )
  }
  const { input, layers: list } = parsed.data
  const layers = Object.fromEntries(list.map(({ name, layer }) => [name, readLayer(layer, name, where)]))
  const twice = repeated(list.map(({ name }) => name))
  if (twice !== undefined) {
    throw refuse(where, `its layer graph has two layers ${quoted(twice)}`, 'rename one')
  }
  try {
    resolveGraph(input, layers)
  } catch (cause) {
    throw refuse(where, `its layer graph does not fit: ${(cause as Error).message}`, 'write it again')
  }
  return { inputShape: input, layers }
}

function readLayer(layer: unknown, name: string, where: string): Layer {
  try {
    return layerKind.read(layer, `layer ${shown(name)}`)
  } catch (cause) {
    throw refuse(where, `its layer graph is wrong: ${(cause as Error).message}`, 'write it again')
  }
}

export function graphToJson(network: WeightHolder): unknown {
  return {
    input: network.inputShape,
    layers: network.nodes.map(({ name, layer }) => ({ name, layer })),
  }
}

/** The layer graph that a file holds, or undefined in a foreign one. */
export async function readGraph(path: string): Promise<StoredGraph | undefined> {
  const { metadata, tensors } = await readTensorFileHeader(path)
  const text = metadata[GRAPH_KEY]
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refuse(path, 'its layer graph is not JSON', 'write it again')
  }
  const graph = parseGraph(value, path)
  // Before anything of that size is made.
  const claimed = parameterCount(resolveGraph(graph.inputShape, graph.layers))
  const held = [...tensors.values()].reduce((sum, { shape }) => sum + product(shape), 0)
  if (claimed > held) {
    throw refuse(
      path,
      `its layer graph has ${claimed} parameters, the file holds ${held}`,
      'it is not whole: write it again',
    )
  }
  return graph
}
