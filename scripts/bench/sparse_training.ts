import { setTimeout as sleep } from 'node:timers/promises'
import {
  applyCriterion,
  criteria,
  Dataset,
  models,
  type Network,
  network,
  nn,
  optim,
  rand,
  scope,
  setJobThreads,
  tensor,
} from '../../lib/index.js'
import { loadAddon, runJob, type TrainerHandle, type TrainingResult } from '../../lib/internal.js'
import type { Measurement, Part } from './result.js'
import { spread } from './statistics.js'

/** The densities of the paper (table 4), layer by layer. */
const DENSITIES = [84, 38, 35, 37, 37, 9, 9, 25]
const PAUSE_MS = 20
const AGREEMENT_STEPS = 200
const RATE = 1e-3
const SPEC = optim.sgd({ lr: RATE, momentum: 0.9, weightDecay: 5e-4 })

interface Task {
  readonly title: string
  readonly make: () => Network
  readonly densities: readonly number[]
  readonly batch: number
  readonly steps: number
  readonly blocks: number
  readonly target: number
}

const fullyConnected = (inputs: number, hidden: number, classes: number) => () =>
  network(
    [inputs],
    {
      drop1: nn.dropout(0.5),
      fc1: nn.linear(inputs, hidden),
      relu1: nn.relu(),
      drop2: nn.dropout(0.5),
      fc2: nn.linear(hidden, hidden),
      relu2: nn.relu(),
      fc3: nn.linear(hidden, classes),
    },
    { seed: 1 },
  ) as unknown as Network

const TASKS: readonly Task[] = [
  {
    title: 'FC layers of alexnet on stored features, batch 64',
    make: fullyConnected(9216, 4096, 1000),
    densities: DENSITIES.slice(-3),
    ...{ batch: 64, steps: 20, blocks: 8, target: 3 },
  },
  {
    title: 'alexnet, batch 16',
    make: () => models.alexnet({ seed: 1 }) as unknown as Network,
    densities: DENSITIES,
    ...{ batch: 16, steps: 4, blocks: 6, target: 1 },
  },
]

/** Compares a step of pruned AlexNet that computes with the kept weights alone to one with all of them, masked. */
export const benchSparseTraining: Part = async ({ threads }, say) => {
  const measurements: Measurement[] = []
  for (const count of threads) {
    setJobThreads(count)
    for (const task of TASKS) {
      say(`${task.title}: ${task.blocks} blocks of ${task.steps} steps per side, threads: ${count}`)
      measurements.push(await race(task, count))
    }
  }
  measurements.push(await agreement(say))
  return measurements
}

/** One of two sides that train the same network on the same batches. */
class Side {
  readonly network: Network
  readonly times: number[] = []
  readonly #optimizer: optim.Optimizer
  readonly #trainer: TrainerHandle
  readonly #samples: number
  readonly #batch: number

  private constructor(net: Network, dataset: Dataset, batch: number, sparse: 'off' | 'auto' | 'on') {
    this.network = net
    this.#batch = batch
    this.#samples = dataset.length
    this.#optimizer = optim.Optimizer.of(net, SPEC)
    const options = { batchSize: batch, sparse }
    this.#trainer = loadAddon().trainerMake(net.handle, this.#optimizer.handle, dataset.handle, options)
  }

  static async of(
    { make, densities, batch }: Pick<Task, 'make' | 'densities' | 'batch'>,
    dataset: Dataset,
    sparse: 'off' | 'auto' | 'on',
  ): Promise<Side> {
    const net = make()
    const layers: readonly string[] = net.prunable
    // Fresh weights are drawn evenly: the largest stand anywhere.
    const density = Object.fromEntries(layers.map((layer, i) => [layer, densities[i]! / 100]))
    await applyCriterion(net, criteria.magnitude().density(density))
    return new Side(net, dataset, batch, sparse)
  }

  async run(steps: number): Promise<TrainingResult> {
    const order = Array.from({ length: steps * this.#batch }, (_, i) => i % this.#samples)
    const started = performance.now()
    const result = await runJob(() => loadAddon().trainerRun(this.#trainer, { order, rates: [RATE] }))
    this.times.push((performance.now() - started) / steps)
    return result
  }

  [Symbol.dispose](): void {
    loadAddon().trainerDispose(this.#trainer)
    this.#optimizer.dispose()
    this.network.dispose()
  }
}

/** Noise in as many classes as the network tells apart. */
function noise(net: Pick<Task, 'make'>, count: number, classes: number): Dataset {
  using made = net.make()
  using samples = rand([count, ...made.inputShape])
  using labels = tensor(
    Array.from({ length: count }, (_, i) => i % classes),
    { dtype: 'int64' },
  )
  return Dataset.from(samples, labels)
}

async function race(task: Task, threads: number): Promise<Measurement> {
  using dataset = noise(task, 4 * task.batch, 1000)
  using dense = await Side.of(task, dataset, 'off')
  using sparse = await Side.of(task, dataset, 'auto')
  const sides = [dense, sparse]
  let layers: readonly string[] = []
  for (const side of sides) layers = (await side.run(2)).sparse ?? layers
  for (const side of sides) side.times.length = 0
  for (let block = 0; block < task.blocks; block++) {
    for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
      await sleep(PAUSE_MS)
      await side.run(task.steps)
    }
  }
  const ratio = spread(dense.times.map((time, i) => time / sparse.times[i]!))
  const [all, kept] = sides.map(({ times }) => spread(times).median.toFixed(1))
  return {
    what: `dense step / sparse step, ${task.title}, ${threads} thread${threads === 1 ? '' : 's'}`,
    ...{ unit: '×', value: ratio.median, spread: ratio, bound: 'least', target: task.target },
    note: `${all} ms / ${kept} ms; sparse: ${layers.join(', ')}`,
  }
}

/** How far weights are apart after the same steps, as a share of their tensor's largest. */
async function agreement(say: (line: string) => void): Promise<Measurement> {
  say(`weights after ${AGREEMENT_STEPS} steps, dense and sparse`)
  const task = { make: fullyConnected(512, 256, 100), densities: DENSITIES.slice(-3), batch: 64 }
  using dataset = noise(task, 4 * task.batch, 100)
  using dense = await Side.of(task, dataset, 'off')
  using sparse = await Side.of(task, dataset, 'on')
  for (const side of [dense, sparse]) await side.run(AGREEMENT_STEPS)
  await sparse.network.assertSealed()
  const apart = dense.network.tensorNames().map((name) =>
    scope(() => {
      const ours = sparse.network.tensor(name).detach()
      const theirs = dense.network.tensor(name).detach()
      const largest = theirs.abs().max().item() as number
      return (ours.sub(theirs).abs().max().item() as number) / largest
    }),
  )
  const what = `sparse against dense weights after ${AGREEMENT_STEPS} steps`
  return { what, unit: 'share', value: Math.max(...apart), target: 1e-5 }
}
