import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../lib/base/errors.js'
import { Dataset } from '../../lib/data/dataset.js'
import { type ProcessGroup, processGroup } from '../../lib/distributed/process_group.js'
import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { tensor } from '../../lib/tensor/from.js'
import { losses } from '../../lib/train/losses.js'
import { train } from '../../lib/train/train.js'
import { numbers, toyData, toyNetwork } from '../train/toy.js'

/** What the tests may vary. */
export interface Given {
  readonly samples?: number
  readonly batchSize?: number
  readonly epochs?: number
  readonly syncBatchNorm?: boolean
  readonly accumulate?: number
  readonly ignoreIndex?: number
  readonly background?: boolean
  /** Of the process of each rank. */
  readonly sharedMemory?: readonly boolean[] | undefined
}

type Group = ProcessGroup | undefined

/** The first values of each of a network's tensors, all of its losses. */
function weightsOf(net: ReturnType<typeof toyNetwork>): Record<string, number[]> {
  return Object.fromEntries(
    ['fc1', 'fc2'].flatMap((layer) =>
      ['weight', 'bias'].map((name) => {
        using values = net.tensor(`${layer}.${name}` as never)
        return [`${layer}.${name}`, (values.toArray() as number[]).flat()]
      }),
    ),
  )
}

export const TASKS: Readonly<Record<string, (group: Group, given: Given) => Promise<unknown>>> = {
  /** Trains until something happens to the group. */
  async endless(group) {
    const epochs = train(toyNetwork(), toyData(), {
      ...{ epochs: 1e6, batchSize: 12, seed: 5, group },
      optimizer: sgd({ lr: 0.01 }),
    })
    for await (const { epoch } of epochs) if (epoch < 4) console.log(`epoch ${epoch}`)
    return {}
  },

  /** Exits while it waits for another process, which stands still. */
  async exits(group) {
    const epochs = train(toyNetwork(), toyData(), {
      ...{ epochs: 1e6, batchSize: 12, seed: 5, group },
      optimizer: sgd({ lr: 0.01 }),
    })
    for await (const { epoch } of epochs) {
      if (epoch === 2) console.log('epoch 2')
      if (epoch === 2 && group?.rank === 0) setTimeout(() => process.exit(3), 1000)
    }
    return {}
  },

  /** Trains a network whose gradients are more than one exchange takes, and than are summed at once, and says what it comes to. */
  async wide(group, { accumulate }) {
    const layers = {
      fc1: linear(6, 800),
      relu1: relu(),
      fc2: linear(800, 800),
      relu2: relu(),
      fc3: linear(800, 3),
    }
    const net = network([6], layers, { seed: group?.rank ?? 0 })
    const { epochs } = await train(net, toyData(92), {
      ...{
        epochs: 2,
        batchSize: 10,
        accumulate,
        optimizer: sgd({ lr: 0.05, momentum: 0.9 }),
        seed: 5,
        group,
      },
    })
    using first = net.tensor('fc1.weight')
    using last = net.tensor('fc3.weight')
    return {
      shares: (await readFile('/proc/self/maps', 'utf8')).includes('/memfd:torch-prune-'),
      losses: epochs.map(({ loss }) => loss),
      errors: [],
      weights: Object.fromEntries(
        Object.entries({ first, last }).map(([name, values]) => [
          name,
          (values.toArray() as number[][]).flat(),
        ]),
      ),
    }
  },

  /** Trains a network with batch normalization, and says where its running statistics end. */
  async statistics(group, { samples = 24, batchSize = 8, syncBatchNorm, accumulate, ignoreIndex }) {
    const layers = {
      conv: conv2d(1, 4, 3),
      bn: batchNorm2d(4),
      relu: relu(),
      flat: flatten(),
      fc: linear(64, 3),
    }
    const net = network([1, 6, 6], layers, { seed: 1 })
    using images = tensor(numbers(samples * 36), { shape: [samples, 1, 6, 6] })
    using classes = tensor(
      Array.from({ length: samples }, (_, i) => i % 3),
      { dtype: 'int64' },
    )
    const data = Dataset.from(images, classes)
    await train(net, data, {
      ...{ epochs: 2, batchSize, accumulate, optimizer: sgd({ lr: 0.1 }), syncBatchNorm, group },
      loss: losses.crossEntropy({ ignoreIndex }),
    })
    return Object.fromEntries(
      net.tensorNames().map((name) => {
        using values = net.tensor(name)
        return [name, String(values.toArray())]
      }),
    )
  },

  /** Saves as often as it is time for rank 0, whatever the others were told, and says when that was. */
  async saves(group, { background = false }) {
    const positions: number[] = []
    const folder = await mkdtemp(join(tmpdir(), 'torch-prune-saves-'))
    try {
      await train(toyNetwork(), toyData(48), {
        ...{ epochs: 2, batchSize: 12, seed: 5, group },
        optimizer: sgd({ lr: 0.01 }),
        checkpoint: {
          path: join(folder, 'position.safetensors'),
          minutes: group?.rank === 0 ? 60 : 0,
          background,
          onSaved: ({ epoch, steps }) => void positions.push(epoch, steps),
        },
      })
    } finally {
      await rm(folder, { recursive: true })
    }
    return positions
  },

  /** Is refused by a group that is not there, and trains on its own. */
  async again() {
    const refused = await processGroup().catch(messageOf)
    const { epochs } = await train(toyNetwork(), toyData(), { epochs: 1, optimizer: sgd({ lr: 0.01 }) })
    return { refused, losses: epochs.map(({ loss }) => loss) }
  },

  /** Trains in float16 on samples of which some are so large that gradients overflow at first. */
  async half(group) {
    const net = toyNetwork(group?.rank ?? 0)
    net.setDropout('drop', 0)
    using images = tensor(
      numbers(96 * 6).map((value, i) => (Math.floor(i / 6) % 12 < 6 ? value : 100 * value)),
      { shape: [96, 6] },
    )
    using classes = tensor(
      Array.from({ length: 96 }, (_, i) => i % 3),
      { dtype: 'int64' },
    )
    const { epochs } = await train(net, Dataset.from(images, classes), {
      ...{ epochs: 3, batchSize: 12, optimizer: sgd({ lr: 0.01 }), autocast: 'float16', seed: 5, group },
    })
    return { losses: epochs.map(({ loss }) => loss), weights: weightsOf(net) }
  },

  /** Trains, prunes and retrains. */
  async prune(group, { samples = 96, batchSize = 12, epochs = 3 }) {
    const net = toyNetwork(group?.rank ?? 0)
    const [data, validation] = [toyData(samples), toyData(30, 2)]
    const optimizer = sgd({ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 })
    net.setDropout('drop', 0)
    const dense = await train(net, data, { epochs, batchSize, optimizer, validation, seed: 5, group })
    const { rounds } = await prune(
      net,
      { train: data, validation },
      {
        criterion: criteria.magnitude().density({ fc1: 0.4, fc2: 0.6 }),
        rounds: 2,
        adjustDropout: false,
        seed: 5,
        retrain: { epochs: 1, optimizer, batchSize },
        group,
      },
    )
    return {
      losses: dense.epochs.map(({ loss }) => loss),
      errors: [...dense.epochs, ...rounds].map(({ validationError }) => validationError),
      density: rounds.at(-1)!.density,
      weights: weightsOf(net),
    }
  },
}
