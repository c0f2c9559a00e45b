import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Dataset,
  models,
  type Network,
  noGrad,
  readSafetensors,
  type TensorBytes,
  writeSafetensors,
} from '../../lib/index.js'
import { fromBytes, toBytes } from '../../lib/internal.js'

/**
 * The networks that are compared on images of noise. For each: the batch size, the largest acceptable time of a step
 * relative to Python's, and the largest acceptable peak memory relative to dense Python's (undefined if it is only
 * measured for comparison). `gain` scales PyTorch's initial weights so that a signal through the largest tenth of them
 * neither fades nor grows much.
 */
export const NETWORKS = {
  alexnet: {
    batch: 16,
    side: 224,
    classes: 1000,
    gain: 4,
    stepTarget: 0.65,
    sparseTarget: 0.75,
    memoryTarget: undefined,
  },
  'vgg-16': {
    batch: 4,
    side: 224,
    classes: 1000,
    gain: 4.2,
    stepTarget: 0.88,
    sparseTarget: undefined,
    memoryTarget: 0.9,
  },
  'resnet-18': {
    batch: 64,
    side: 32,
    classes: 10,
    gain: 4,
    stepTarget: 1.02,
    sparseTarget: undefined,
    memoryTarget: undefined,
  },
} as const
/** The name of a network to compare. */
export type NetworkName = keyof typeof NETWORKS
/** The names of the networks to compare. */
export const networkNames = Object.keys(NETWORKS) as NetworkName[]

/** The learning rate. Like all settings here, it is that of both sides: compare_network.py has the same. */
export const LR = 1e-3
/** The momentum of SGD. */
export const MOMENTUM = 0.9
/** The weight decay of SGD. */
export const WEIGHT_DECAY = 5e-4
/** The density of each weight. */
export const DENSITY = 0.1
/** The number of batches that both sides classify after training. */
export const TEST_BATCHES = 4

const SEED = 0
const MEAN = [0.5, 0.5, 0.5]
const STD = [0.25, 0.25, 0.25]

/** Makes the dense network without dropout. It is the same in every run, so our process needs no file for it. */
export function freshNetwork(name: NetworkName): Network {
  const network = models.createModel(name, { seed: SEED })
  for (const { name: layer, layer: kind } of network.nodes) {
    if (kind.kind === 'dropout') network.setDropout(layer, 0)
  }
  const { gain } = NETWORKS[name]
  for (const layer of network.prunable) {
    using weight = network.tensor(`${layer}.weight`)
    noGrad(() => weight.mul_(gain))
  }
  return network
}

/**
 * Prepares `input.safetensors` for both sides, as described in compare_network.py, in a new folder. Returns its path.
 */
export async function prepareNetwork(
  name: NetworkName,
  { batch, steps }: { readonly batch: number; readonly steps: number },
): Promise<string> {
  const { side, classes } = NETWORKS[name]
  using network = freshNetwork(name)
  const tensors = new Map<string, TensorBytes>()
  for (const key of network.tensorNames()) {
    using tensor = network.tensor(key)
    tensors.set(key, toBytes(tensor))
  }
  const random = bytes(SEED + 1)
  for (const [part, count] of [
    ['batches', steps * batch],
    ['test', TEST_BATCHES * batch],
  ] as const) {
    const labels = Float64Array.from({ length: count }, () => (random() * 256 + random()) % classes)
    tensors.set(`${part}.x`, {
      dtype: 'uint8',
      shape: [count, 3, side, side],
      data: Uint8Array.from({ length: count * 3 * side * side }, random),
    })
    tensors.set(`${part}.y`, {
      dtype: 'int64',
      shape: [count],
      data: new Uint8Array(BigInt64Array.from(labels, BigInt).buffer),
    })
  }
  const folder = await mkdtemp(join(tmpdir(), `torch-prune-${name}-`))
  const metadata = { mean: JSON.stringify(MEAN), std: JSON.stringify(STD) }
  await writeSafetensors(join(folder, 'input.safetensors'), { metadata, tensors })
  return folder
}

/** Reads the images and labels of a part of the input. */
export async function readPart(folder: string, part: 'batches' | 'test'): Promise<Dataset> {
  const names = [`${part}.x`, `${part}.y`]
  const { tensors } = await readSafetensors(join(folder, 'input.safetensors'), { only: names })
  const [images, labels] = names.map((name) => fromBytes(tensors.get(name)!))
  using _images = images!
  using _labels = labels!
  return Dataset.from(images!, labels!, { mean: MEAN, std: STD })
}

/** Generates bytes that are the same everywhere (xorshift32). */
function bytes(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 255
  }
}
