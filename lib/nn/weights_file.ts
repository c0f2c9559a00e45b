import { z } from 'zod'
import { TorchPruneError } from '../base/errors.js'
import { quoted, refuse } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { refuseOwned, refuseReading } from '../base/lease.js'
import { readOptions } from '../base/option.js'
import { withMasks, withoutPrefix } from '../formats/foreign.js'
import { writeSafetensors } from '../formats/safetensors.js'
import { withTensorFile } from '../formats/tensor_file.js'
import { fromManyBytes, type StoredTensor, type TensorPieces, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import type { Tensor } from '../tensor/tensor.js'
import { besideWhat, INDEX, MASK } from './beside.js'
import { shareFewValues } from './equal_values.js'
import { checkFit } from './fit.js'
import { checkShared } from './shared.js'
import { type MaskOptions, stateOf } from './state.js'
import { GRAPH_KEY, graphToJson } from './stored_graph.js'
import type { WeightHolder } from './weight_holder.js'
import { refuseAllZero, sealZeros, type WeightsOptions, weightsOptions } from './zeros.js'

/** Names of the layers whose weights are stored dense beside a mask that does not seal, as a JSON array. */
const SPLICED_KEY = 'torch-prune.spliced'

/**
 * Tensors of ours under names that begin with this stand beside a network's own in some files: what training stands
 * at. They are no part of the network.
 */
export const BESIDE = 'torch-prune.'

/** What stands beside a network in its file: tensors, under names that begin with `BESIDE`, and metadata. */
export interface Beside {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, TensorPieces>
}

/** A network as it was at one moment, as its file holds it. */
export interface TakenNetwork extends Beside, Disposable {}

/**
 * Takes what a network's file holds, as it is now: PyTorch's names, each mask beside its weight as uint8, the graph in the
 * metadata. Of a spliced layer the weight is the dense one, and the metadata says so.
 */
export async function takeNetwork(
  network: WeightHolder,
  beside?: Beside,
  masks: NonNullable<MaskOptions['masks']> = 'weight_mask',
): Promise<TakenNetwork> {
  refuseReading(network)
  const tensors = new Map<string, TensorPieces>(beside?.tensors)
  for (const name of network.tensorNames()) {
    if (!tensors.has(name)) continue
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `tensor ${quoted(name)} has a name that this file needs for itself: rename its layer`,
    )
  }
  const { spliced } = network
  const metadata = {
    format: 'pt',
    ...beside?.metadata,
    [GRAPH_KEY]: JSON.stringify(graphToJson(network)),
    ...(spliced.length > 0 && { [SPLICED_KEY]: JSON.stringify(spliced) }),
  }
  const held = new HeldTensors()
  return held.filling(async () => {
    for (const [name, values] of await stateOf(network, masks)) {
      const pieces = toPieces(held.use(values))
      // The same bytes under a dtype that more programs read.
      tensors.set(name, pieces.dtype === 'bool' ? { ...pieces, dtype: 'uint8' } : pieces)
    }
    return { tensors, metadata, [Symbol.dispose]: () => held[Symbol.dispose]() }
  })
}

/** Writes what was taken of a network. It may be trained again meanwhile. */
export function writeNetwork(path: string, { metadata, tensors }: TakenNetwork): Promise<void> {
  return writeSafetensors(path, { metadata, tensors }, { checksums: true })
}

/** Writes a network as it is now. */
export async function saveNetwork(
  network: WeightHolder,
  path: string,
  masks?: NonNullable<MaskOptions['masks']>,
): Promise<void> {
  using taken = await takeNetwork(network, undefined, masks)
  await writeNetwork(path, taken)
}

/** How a file's tensors were brought to a network's names. */
export interface LoadedWeights {
  /** What was taken off in front of all names, such as `module.`; empty for nothing. */
  readonly prefix: string
  /** The layers that came with a mask, in order. */
  readonly masked: readonly string[]
}

/**
 * Loads parameters, buffers and masks from a safetensors or coded file, or from a state dict that torch.save wrote.
 * Masks stand beside their weights (`fc1.weight_mask`), or as torch.nn.utils.prune has them (`fc1.weight_orig`); one
 * prefix that all names share is taken off. All is checked before anything is written, so a file that does not fit
 * leaves the network as it was.
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
  readonly sharesByValue?: boolean
}

/** What a network takes of a file: all of it is read, and fits. */
interface TakenWeights {
  readonly values: readonly (readonly [name: string, values: Tensor])[]
  /** Masks by layer, and the indices of shared values. */
  readonly keeps: ReadonlyMap<string, Tensor>
  readonly indices: ReadonlyMap<string, Tensor>
  readonly spliced: readonly string[]
  readonly prefix: string
  readonly sharesByValue: boolean
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
  const known = new Set(names)
  const weights = new Set(network.prunable.map((layer) => `${layer}.weight`))
  // A layer may be called as what stands beside the network is.
  const isOwn = (name: string) => !name.startsWith(BESIDE) || known.has(name) || weights.has(besideWhat(name))
  const { tensors: named, prefix } = withoutPrefix(
    names,
    new Map([...file.tensors].filter(([name]) => isOwn(name))),
  )
  const tensors = await withMasks(names, weights, named, path)
  const layersBy = (beside: string) =>
    new Map(network.prunable.map((layer) => [`${layer}.weight${beside}`, layer]))
  const masks = layersBy(MASK)
  const spliced = parseSpliced(metadata[SPLICED_KEY], path)
  checkFit(network, tensors, path)
  for (const layer of spliced) {
    const name = `${layer}.weight${MASK}`
    const wrong = (what: string) => refuse(path, `tensor ${quoted(name)} ${what}`, fixes.otherNetwork)
    if (!masks.has(name)) throw wrong('is of a spliced layer that the network does not have')
    if (!tensors.has(name)) throw wrong('is missing, and the layer is spliced')
  }
  if (mask === 'zeros') await refuseAllZero(weights, tensors, path)
  const made = new Map<string, Tensor>()
  for (const [name, stored] of tensors) made.set(name, held.use(await fromManyBytes(stored)))
  for (const weight of weights) await checkShared(weight, made, path)
  const values = [...made].filter(([name]) => known.has(name))
  const pick = (beside: string) =>
    new Map(
      [...layersBy(beside)].flatMap(([name, layer]) =>
        made.has(name) ? [[layer, made.get(name)!] as const] : [],
      ),
    )
  const { sharesByValue = false } = file
  return { values, keeps: pick(MASK), indices: pick(INDEX), spliced, prefix, sharesByValue }
}

async function putTaken(
  network: WeightHolder,
  { values, keeps, indices, spliced, prefix, sharesByValue }: TakenWeights,
  mask: WeightsOptions['mask'],
): Promise<LoadedWeights> {
  await network.put(
    values,
    network.prunable.map((layer) => {
      const name = `${layer}.weight`
      const index = indices.get(layer)?.handle
      if (index) return { name, kind: 'codebook', keep: index }
      const keep = keeps.get(layer)?.handle
      const kind = keep === undefined ? 'none' : spliced.includes(layer) ? 'spliced' : 'sealed'
      return { name, kind, keep }
    }),
  )
  if (sharesByValue) await shareFewValues(network)
  const sealed = mask === 'zeros' ? await sealZeros(network) : []
  const masked = network.prunable.filter(
    (layer) => keeps.has(layer) || indices.has(layer) || sealed.includes(layer),
  )
  return { prefix, masked }
}

function parseSpliced(text: string | undefined, path: string): readonly string[] {
  if (text === undefined) return []
  try {
    return z.array(z.string()).parse(JSON.parse(text))
  } catch {
    throw refuse(path, 'its list of spliced layers cannot be read', 'write it again')
  }
}
