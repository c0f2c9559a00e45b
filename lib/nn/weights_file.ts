import { z } from 'zod'
import { TorchPruneError } from '../base/errors.js'
import { quoted, refuse } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { refuseOwned, refuseReading } from '../base/lease.js'
import { product, repeated } from '../base/lists.js'
import { readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'
import { mayBeMissing, withMasks, withoutPrefix } from '../formats/foreign.js'
import { writeSafetensors } from '../formats/safetensors.js'
import { readTensorFileHeader, withTensorFile } from '../formats/tensor_file.js'
import {
  fromManyBytes,
  piecesOfStored,
  type StoredTensor,
  type TensorPieces,
  toPieces,
} from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import type { Tensor } from '../tensor/tensor.js'
import { parameterCount } from './cost.js'
import { checkFit } from './fit.js'
import { type Layers, resolveGraph } from './graph.js'
import { layerKind } from './layer_kind.js'
import type { Layer } from './layers/index.js'
import type { Shape } from './shapes.js'
import { type MaskOptions, type StateKeys, stateOf } from './state.js'
import type { WeightHolder } from './weight_holder.js'
import { sealZeros, type WeightsOptions, weightsOptions } from './zeros.js'

/** The name of a mask beside its weight: `fc1.weight_mask`. */
const MASK = '_mask'

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

const GRAPH_KEY = 'torch-prune.graph'
/** Names of the layers whose weights are stored dense beside a mask that does not seal, as a JSON array. */
const SPLICED_KEY = 'torch-prune.spliced'

/**
 * Tensors of ours under names that begin with this stand beside a network's own in some files: what training stands
 * at. They are no part of the network.
 */
export const BESIDE = 'torch-prune.'

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

/**
 * Writes a network: PyTorch's names, each mask beside its weight as uint8, the graph in the metadata. Of a spliced
 * layer the weight is the dense one, and the metadata says so.
 *
 * @param beside more tensors, under names that begin with `BESIDE`, and more metadata
 */
export async function saveNetwork(
  network: WeightHolder,
  path: string,
  beside?: {
    readonly metadata: Readonly<Record<string, string>>
    readonly tensors: ReadonlyMap<string, TensorPieces>
  },
  masks: NonNullable<MaskOptions['masks']> = 'weight_mask',
): Promise<void> {
  refuseReading(network)
  // As it is now: it may be trained again while the file is written.
  using held = new HeldTensors()
  const tensors = new Map<string, TensorPieces>(beside?.tensors)
  for (const name of network.tensorNames()) {
    if (!tensors.has(name)) continue
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `tensor ${quoted(name)} has a name that this file needs for itself: rename its layer`,
    )
  }
  for (const [name, values] of await stateOf(network, masks)) {
    const pieces = toPieces(held.use(values))
    // The same bytes under a dtype that more programs read.
    tensors.set(name, pieces.dtype === 'bool' ? { ...pieces, dtype: 'uint8' } : pieces)
  }
  const { spliced } = network
  const metadata = {
    format: 'pt',
    ...beside?.metadata,
    [GRAPH_KEY]: JSON.stringify(graphToJson(network)),
    ...(spliced.length > 0 && { [SPLICED_KEY]: JSON.stringify(spliced) }),
  }
  await writeSafetensors(path, { metadata, tensors }, { checksums: true })
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

/** How a file's tensors were brought to a network's names. */
export interface LoadedWeights {
  /** What was taken off in front of all names, such as `module.`; empty for nothing. */
  readonly prefix: string
  /** The layers that came with a mask, in order. */
  readonly masked: readonly string[]
}

/**
 * Loads parameters, buffers and masks from a safetensors file, or from a state dict that torch.save wrote. Masks stand
 * beside their weights (`fc1.weight_mask`), or as torch.nn.utils.prune has them (`fc1.weight_orig`); one prefix that all
 * names share is taken off. All is checked before anything is written, so a file that does not fit leaves the network as
 * it was.
 *
 * @throws TorchPruneError `ERR_FILE` naming the first tensors that are missing, left over, or do not fit.
 */
export async function loadWeights(
  network: WeightHolder,
  path: string,
  options: WeightsOptions = {},
): Promise<LoadedWeights> {
  const { mask } = readOptions('loadWeights', weightsOptions, options)
  refuseOwned(network)
  using held = new HeldTensors()
  const weights = await withTensorFile(path, (file) => takeWeights(network, file, path, mask, held))
  return putTaken(network, weights, mask)
}

/** Loads what was read of a file, as `loadWeights()` does; `path` names it in errors. */
export async function putWeights(
  network: WeightHolder,
  file: TensorFile,
  path: string,
  { mask }: WeightsOptions = {},
): Promise<LoadedWeights> {
  using held = new HeldTensors()
  return putTaken(network, await takeWeights(network, file, path, mask, held), mask)
}

/** A file's tensors, in whichever way they are there. */
interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/** What a network takes of a file: all of it is read, and fits. */
interface TakenWeights {
  readonly values: readonly (readonly [name: string, values: Tensor])[]
  /** By layer. */
  readonly keeps: ReadonlyMap<string, Tensor>
  readonly spliced: readonly string[]
  readonly prefix: string
}

/** Reads what a network takes of a file, into tensors that are given to `held`. */
async function takeWeights(
  network: WeightHolder,
  file: TensorFile,
  path: string,
  mask: WeightsOptions['mask'],
  held: HeldTensors,
): Promise<TakenWeights> {
  const { metadata } = file
  const names: readonly string[] = network.tensorNames()
  const own = new Set(names)
  const weights = new Set(network.prunable.map((layer) => `${layer}.weight`))
  // A layer may be called as what stands beside the network is.
  const isOwn = (name: string) =>
    !name.startsWith(BESIDE) || own.has(name) || weights.has(name.replace(/_mask$/, ''))
  const { tensors: named, prefix } = withoutPrefix(
    names,
    new Map([...file.tensors].filter(([name]) => isOwn(name))),
  )
  const tensors = await withMasks(names, weights, named, path)
  const masks = new Map(network.prunable.map((layer) => [`${layer}.weight${MASK}`, layer]))
  const spliced = parseSpliced(metadata[SPLICED_KEY], path)
  checkFit(network, tensors, (weight) => `${weight}${MASK}`, path)
  for (const layer of spliced) {
    const name = `${layer}.weight${MASK}`
    const wrong = (what: string) => refuse(path, `tensor ${quoted(name)} ${what}`, fixes.otherNetwork)
    if (!masks.has(name)) throw wrong('is of a spliced layer that the network does not have')
    if (!tensors.has(name)) throw wrong('is missing, and the layer is spliced')
  }
  if (mask === 'zeros') await refuseAllZero(weights, tensors, path)
  const values: [name: string, values: Tensor][] = []
  const keeps = new Map<string, Tensor>()
  for (const [name, stored] of tensors) {
    const made = held.use(await fromManyBytes(stored))
    const masked = masks.get(name)
    if (masked === undefined) values.push([name, made])
    else keeps.set(masked, made)
  }
  return { values, keeps, spliced, prefix }
}

async function putTaken(
  network: WeightHolder,
  { values, keeps, spliced, prefix }: TakenWeights,
  mask: WeightsOptions['mask'],
): Promise<LoadedWeights> {
  await network.put(
    values,
    network.prunable.map((layer) => {
      const keep = keeps.get(layer)?.handle
      const kind = keep === undefined ? 'none' : spliced.includes(layer) ? 'spliced' : 'sealed'
      return { name: `${layer}.weight`, kind, keep }
    }),
  )
  const sealed = mask === 'zeros' ? await sealZeros(network) : []
  const masked = network.prunable.filter((layer) => keeps.has(layer) || sealed.includes(layer))
  return { prefix, masked }
}

/** Loads tensors by name, as `Network.loadStateDict()` does. */
export async function putState(
  network: WeightHolder,
  state: Readonly<Record<string, Tensor>>,
  strict: boolean,
): Promise<StateKeys> {
  const names: readonly string[] = network.tensorNames()
  const own = new Set(names)
  const plain = (name: string) => name.replace(/_(orig|mask)$/, '')
  const has = (name: string) => Object.hasOwn(state, name) || Object.hasOwn(state, `${name}_orig`)
  const missingKeys = names.filter((name) => !has(name) && !mayBeMissing(name))
  const unexpectedKeys = Object.keys(state).filter((name) => !own.has(name) && !own.has(plain(name)))
  using held = new HeldTensors()
  const tensors = new Map<string, TensorPieces>()
  for (const [name, values] of Object.entries(state)) {
    if (strict || !unexpectedKeys.includes(name)) tensors.set(name, toPieces(values))
  }
  if (!strict) {
    for (const [name, values] of await network.snapshot(missingKeys)) {
      tensors.set(name, toPieces(held.use(values)))
    }
  }
  try {
    await putWeights(network, { metadata: {}, tensors }, 'loadStateDict')
  } catch (error) {
    if (!(error instanceof TorchPruneError) || error.code !== 'ERR_FILE') throw error
    throw new TorchPruneError('ERR_ARGUMENT', error.message, { cause: error })
  }
  return { missingKeys, unexpectedKeys }
}

/** Refuses a layer of which no weight would stay, before anything is written. */
async function refuseAllZero(
  weights: Iterable<string>,
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<void> {
  for (const name of weights) {
    const stored = tensors.get(name)
    if (stored === undefined || !(await isAllZero(stored))) continue
    throw refuse(path, `every weight of ${quoted(name)} is 0`, "load it without { mask: 'zeros' }")
  }
}

async function isAllZero(stored: StoredTensor): Promise<boolean> {
  // The first weight that is not 0 ends the search.
  for await (const piece of piecesOfStored(stored)) {
    if (piece.some((byte) => byte !== 0 && byte !== 0x80)) return false
  }
  return true
}

function parseSpliced(text: string | undefined, path: string): readonly string[] {
  if (text === undefined) return []
  try {
    return z.array(z.string()).parse(JSON.parse(text))
  } catch {
    throw refuse(path, 'its list of spliced layers cannot be read', 'write it again')
  }
}
