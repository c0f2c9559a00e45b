import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AnyNetwork,
  Dataset,
  data,
  losses,
  models,
  network,
  nn,
  type Tensor,
  type TensorBytes,
  TorchPruneError,
  tensor,
  writeSafetensors,
} from '../../lib/index.js'
import { deriveSeed, toBytes } from '../../lib/internal.js'
import { shuffledOrder } from '../lenet/order.js'

/** The momentum of SGD. Like all settings here, it is that of both sides: compare_training.py is told all of them. */
export const MOMENTUM = 0.9
/** The weight decay of SGD. */
export const WEIGHT_DECAY = 5e-4

const SEED = 0
const FEATURES = 16

/** The trainings that are compared: dense networks, from a seed's initial weights. */
export const TRAININGS = {
  regression: { loss: losses.mse(), lr: 0.05, batch: 64, make: () => perceptron(4), samples: generated },
  'multi-label': {
    loss: losses.binaryCrossEntropyWithLogits(),
    lr: 0.05,
    batch: 64,
    make: () => perceptron(10),
    samples: labeled,
  },
  // Dropout draws random numbers, which are not the same on both sides.
  'mobilenet-v2': {
    loss: losses.crossEntropy(),
    lr: 0.01,
    batch: 32,
    make: () => models.mobilenetV2({ seed: SEED, dropout: 0 }) as AnyNetwork,
    samples: pictures,
  },
} as const
/** The name of a training to compare. */
export type TrainingName = keyof typeof TRAININGS
/** The names of the trainings to compare. */
export const trainingNames = Object.keys(TRAININGS) as TrainingName[]

/** A training for our side and, in `folder`, for Python's. */
export interface TrainingTask {
  readonly name: TrainingName
  readonly batch: number
  /** The samples in the order of use, `batch` per step. */
  readonly dataset: Dataset
  /** A folder that contains `input.safetensors`, as described in scripts/reference/compare_training.py. */
  readonly folder: string
}

interface Options {
  readonly steps: number
  readonly batch?: number | undefined
  readonly data?: string | undefined
}

interface Samples {
  readonly samples: Tensor
  readonly targets: Tensor
}

/** Prepares a training; MobileNetV2 learns CIFAR-10, which `data` is the folder of. */
export async function prepareTraining(
  name: TrainingName,
  { steps, batch = TRAININGS[name].batch, data: folderOfData }: Options,
): Promise<TrainingTask> {
  const { samples, targets } = await TRAININGS[name].samples(steps * batch, folderOfData)
  using _samples = samples
  using _targets = targets
  using fresh = TRAININGS[name].make()
  const tensors = new Map<string, TensorBytes>()
  for (const key of fresh.tensorNames()) {
    using value = fresh.tensor(key)
    tensors.set(key, toBytes(value))
  }
  tensors.set('batches.x', toBytes(samples)).set('batches.y', toBytes(targets))
  const folder = await mkdtemp(join(tmpdir(), `torch-prune-${name}-`))
  await writeSafetensors(join(folder, 'input.safetensors'), { metadata: {}, tensors })
  return { name, batch, dataset: Dataset.from(samples, targets), folder }
}

function perceptron(outputs: number): AnyNetwork {
  const layers = {
    fc1: nn.linear(FEATURES, 128),
    relu1: nn.relu(),
    fc2: nn.linear(128, 64),
    relu2: nn.relu(),
    fc3: nn.linear(64, outputs),
  }
  return network([FEATURES], layers, { seed: SEED }) as AnyNetwork
}

/** Points, and four functions of their coordinates with some noise. */
function generated(count: number): Samples {
  const points = Array.from({ length: count }, point)
  const targets = points.map((x) => {
    const values = [x[0]! * x[1]! + x[2]!, x[3]! ** 2 - x[4]!, Math.sin(3 * x[5]!) * x[6]!, Math.abs(x[7]!)]
    return values.map((value, i) => value + 0.1 * x[FEATURES + i]!)
  })
  return samplesOf(points, targets)
}

/** Points, and ten labels of which each looks at three coordinates, with some noise. */
function labeled(count: number): Samples {
  const points = Array.from({ length: count }, point)
  const targets = points.map((x) =>
    Array.from({ length: 10 }, (_, i) =>
      x[i]! + x[i + 1]! * x[i + 2]! + 0.2 * x[FEATURES + i]! > 0.3 ? 1 : 0,
    ),
  )
  return samplesOf(points, targets)
}

/** Numbers from -1 to 1 that are the same everywhere: coordinates, and as many for noise. */
function point(_: unknown, index: number): number[] {
  return Array.from({ length: 2 * FEATURES }, (_, i) => deriveSeed(SEED, index, i) / 2 ** 31 - 1)
}

function samplesOf(points: readonly number[][], targets: readonly number[][]): Samples {
  return { samples: tensor(points.map((x) => x.slice(0, FEATURES))), targets: tensor(targets) }
}

/** Shuffled training images of CIFAR-10, normalized. */
async function pictures(count: number, folder = process.env.CIFAR10_DIR): Promise<Samples> {
  if (folder === undefined) {
    const fix = 'give its folder with --data, or set CIFAR10_DIR'
    throw new TorchPruneError('ERR_FILE', `mobilenet-v2 is compared on CIFAR-10: ${fix}`)
  }
  const { train, validation, test } = await data.cifar10(folder)
  using _validation = validation
  using _test = test
  using _train = train
  const { images, labels } = await train.read(shuffledOrder(train.length, count, SEED))
  return { samples: images, targets: labels }
}
