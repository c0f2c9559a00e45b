import { rm } from 'node:fs/promises'
import { optim } from '../../lib/index.js'
import { loadAddon, runJob, toBytes } from '../../lib/internal.js'
import type { Python } from '../lenet/python.js'
import {
  MOMENTUM,
  prepareTraining,
  TRAININGS,
  type TrainingName,
  type TrainingTask,
  WEIGHT_DECAY,
} from '../training/task.js'
import { judgeLosses, type LossJudgment, otherThreads, relativeDifferences } from './judgment.js'
import { type RivalRun, runRival } from './rival.js'

/** How far losses may be apart, relatively, in the first 50 steps. */
export const EARLY = { steps: 50, most: 1e-5 } as const

/** The relative differences of losses, by step: between ours and Python's, and between Python's own. */
export interface Apart {
  readonly ours: readonly number[]
  readonly python: readonly number[]
}

/** A comparison of a dense training. */
export interface TrainingComparison {
  readonly name: TrainingName
  /** Our first loss and our last. */
  readonly ends: readonly [first: number, last: number]
  readonly apart: Apart
  readonly judgment: LossJudgment
  /** How many of the tensors have the same bits after training, and how many there are. */
  readonly identical: number
  readonly tensors: number
  readonly passed: boolean
}

/** The options of a comparison. */
export interface TrainingCompareOptions {
  readonly threads: number
  readonly steps: number
  readonly batch?: number | undefined
  readonly data?: string | undefined
}

/** Trains a dense network here and in Python on the same batches. */
export async function compareTraining(
  name: TrainingName,
  python: Python,
  { threads, ...options }: TrainingCompareOptions,
): Promise<TrainingComparison> {
  const task = await prepareTraining(name, options)
  try {
    const rival = (count: number) =>
      runRival<RivalRun>(python, 'compare_training.py', task, {
        model: name,
        threads: count,
        batch: task.batch,
        lr: TRAININGS[name].lr,
        momentum: MOMENTUM,
        'weight-decay': WEIGHT_DECAY,
      })
    // This measures how far Python deviates from itself.
    const again = await rival(otherThreads(threads))
    const theirs = await rival(threads)
    return judge(name, await runOurs(task), theirs, again)
  } finally {
    task.dataset.dispose()
    await rm(task.folder, { recursive: true, force: true })
  }
}

interface OurRun {
  readonly losses: Float32Array
  readonly tensors: ReadonlyMap<string, Uint8Array>
}

/** Trains as `train` does, in one job that keeps the losses of all steps. */
async function runOurs({ name, batch, dataset }: TrainingTask): Promise<OurRun> {
  const { loss, lr, make } = TRAININGS[name]
  using network = make()
  using optimizer = optim.Optimizer.of(
    network,
    optim.sgd({ lr, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY }),
  )
  const order = Array.from({ length: dataset.length }, (_, i) => i)
  const addon = loadAddon()
  const trainer = addon.trainerMake(network.handle, optimizer.handle, dataset.handle, {
    batchSize: batch,
    keepLosses: true,
    loss,
  })
  const { losses } = await runJob(() => addon.trainerRun(trainer, { order, rates: [lr] }))
  addon.trainerDispose(trainer)
  const tensors = network.tensorNames().map((key) => {
    using tensor = network.tensor(key)
    return [key, toBytes(tensor).data] as const
  })
  return { losses, tensors: new Map(tensors) }
}

function judge(name: TrainingName, ours: OurRun, theirs: RivalRun, again: RivalRun): TrainingComparison {
  const apart = {
    ours: relativeDifferences(ours.losses, theirs.losses),
    python: relativeDifferences(again.losses, theirs.losses),
  }
  const judgment = judgeLosses(ours.losses, theirs.losses, again.losses)
  const tensors = [...ours.tensors]
  const identical = tensors.filter(([key, data]) => {
    const tensor = theirs.tensors.get(key)
    if (tensor === undefined) throw new Error(`Python's side wrote no ${key}`)
    return Buffer.compare(data, tensor.data) === 0
  }).length
  const early = apart.ours.slice(0, EARLY.steps).every((each) => each <= EARLY.most)
  const passed = early || (judgment.judged > 0 && judgment.failedAt === undefined)
  const ends = [ours.losses[0]!, ours.losses.at(-1)!] as const
  return { name, ends, apart, judgment, identical, tensors: tensors.length, passed }
}
