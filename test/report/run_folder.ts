import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Layers } from '../../lib/nn/graph.js'
import { flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { Network } from '../../lib/nn/network.js'
import { EventLog, type NewRunEvent } from '../../lib/runs/events.js'
import type { PaperTable } from '../../lib/runs/paper.js'
import { type RunRecord, writeRunRecord } from '../../lib/runs/record.js'
import { tensor } from '../../lib/tensor/index.js'

/** Kept weights of the first layer: 4 neurons over an image of 3×3. Neuron 3 has none; pixel 8 is not read. */
export const FIRST_MASK = [
  [1, 0, 0, 0, 1, 0, 0, 1, 0],
  [0, 1, 0, 0, 1, 0, 0, 0, 0],
  [0, 0, 0, 0, 1, 1, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0, 0],
]
/** Of the second layer: 2 outputs over those 4. Nothing reads neuron 1. */
export const SECOND_MASK = [
  [1, 0, 1, 0],
  [1, 0, 0, 0],
]

/** Leaves the folder of a finished run of a tiny network, whose layers have the names given. */
export async function writeTinyRun(
  dir: string,
  {
    recipe = 'tiny',
    names: [first, second] = ['fc1', 'fc2'],
    paper,
  }: {
    readonly recipe?: string
    readonly names?: readonly [string, string]
    readonly paper?: PaperTable | undefined
  } = {},
): Promise<RunRecord> {
  await mkdir(join(dir, 'checkpoint'), { recursive: true })
  const layers: Layers = { flatten: flatten(), [first]: linear(9, 4), relu: relu(), [second]: linear(4, 2) }
  using network = new Network([1, 3, 3], layers)
  await network.save(join(dir, 'reference.safetensors'))
  using firstMask = tensor(FIRST_MASK)
  using secondMask = tensor(SECOND_MASK)
  await network.setMask(first, firstMask)
  await network.setMask(second, secondMask)
  for (const file of ['checkpoint/round-1-pruned', 'checkpoint/round-1-retrained', 'model']) {
    await network.save(join(dir, `${file}.safetensors`))
  }
  const layer = (name: string, weights: number, kept: number) => ({
    name,
    kind: 'fc',
    weights,
    kept,
    density: kept / weights,
    flop: 2 * weights,
    activationDensity: 0.5,
    flopShare: kept / weights,
  })
  const record: RunRecord = {
    schema: 1,
    recipe,
    ...(paper && { paper }),
    seed: 7,
    device: 'cpu',
    threads: 1,
    versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
    reference: { top1Error: 1.6, parameters: 50 },
    pruned: { top1Error: 1.5, parameters: 12, compression: 50 / 12 },
    layers: [layer(first, 36, 7), layer(second, 8, 3)],
    rounds: [
      {
        round: 1,
        density: 10 / 44,
        compression: 50 / 12,
        validationError: 1.7,
        top1ErrorBefore: 20,
        top1Error: 1.5,
      },
    ],
    seconds: 1,
  }
  await writeRunRecord(dir, record)
  return record
}

/** The log of that run: an epoch of dense training, a round whose only epoch was done twice, and its end. */
export async function writeTinyLog(dir: string): Promise<void> {
  const start = {
    ...{ recipe: 'tiny', seed: 7, device: 'cpu', threads: 1 },
    versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
    ...{ host: 'workbench', processor: 'A Processor', command: "torch-prune run tiny --out 'a b'" },
    data: { name: 'mnist', train: 55_000, validation: 5000, test: 10_000 },
    settings: { dense: { epochs: 2, optimizer: { kind: 'sgd', lr: 0.1 } }, prune: { rounds: 1 } },
  } as const
  const epoch = (round: number, epoch: number, loss: number): NewRunEvent => ({
    ...{ event: 'epoch', round, epoch, epochs: 2, loss, learningRate: 0.1 / epoch, seconds: 2 },
    ...(round === 0 && { validationError: 10 * loss }),
  })
  const events: NewRunEvent[] = [
    { event: 'start', ...start, resumed: false },
    epoch(0, 1, 0.5),
    epoch(0, 2, 0.3),
    { event: 'prune', round: 1, density: 10 / 44 },
    epoch(1, 1, 0.4),
    { event: 'interrupt', reason: 'stopped' },
    { event: 'start', ...start, resumed: true },
    epoch(1, 1, 0.41),
    epoch(1, 2, 0.35),
    { event: 'round', round: 1, density: 10 / 44, compression: 4, validationError: 1.7, seconds: 4 },
    { event: 'end', seconds: 9 },
  ]
  await using log = await EventLog.open(dir)
  for (const event of events) await log.append(event)
}
