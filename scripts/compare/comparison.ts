import { evaluate, type Network } from '../../lib/index.js'
import { toBytes } from '../../lib/internal.js'
import { Ours } from '../lenet/ours.js'
import type { Python } from '../lenet/python.js'
import type { Task } from '../lenet/task.js'
import { judgeLosses, type LossJudgment, otherThreads, weightTolerance } from './judgment.js'
import { type LeNetRun, runRival } from './rival.js'
import { type Difference, difference } from './tensors.js'

/** The result of training on one side. */
export interface Side {
  readonly losses: ArrayLike<number>
  readonly seconds: number
  /** The top-1 error on MNIST's test set, in percent. */
  readonly top1Error: number
}

interface OurRun extends Side {
  readonly parameters: ReadonlyMap<string, Uint8Array>
  readonly masks: ReadonlyMap<string, Uint8Array>
}

/** A comparison of our training with Python's. */
export interface Comparison {
  readonly title: string
  readonly losses: LossJudgment
  /**
   * How far weights may be apart, relative to the largest of their tensor. It is derived from Python's own deviation
   * with another number of threads.
   */
  readonly tolerance: number
  readonly tensors: readonly Difference[]
  /** By layer: the number of weights that we keep, and whether both sides keep the same ones. */
  readonly masks: readonly { readonly name: string; readonly kept: number; readonly identical: boolean }[]
  readonly ours: Side
  readonly theirs: Side
  readonly passed: boolean
}

/** Compares our looped and our fused SGD with Python's. */
export async function compareAll(
  task: Task,
  python: Python,
  options: { readonly threads: number; readonly steps: number },
): Promise<Comparison[]> {
  const sgdIn = (threads: number) =>
    runRival<LeNetRun>(python, 'compare_lenet.py', task, {
      model: task.model,
      optimizer: 'sgd',
      steps: options.steps,
      threads,
    })
  // This measures how far Python deviates from itself.
  const again = await sgdIn(otherThreads(options.threads))
  // We do not compare with torch's own fused=True: that kernel rounds differently than its loop, and occasionally this
  // grows to 2e-3 of the largest weight within 200 steps. Our fused kernel rounds as the loop does.
  const sgd = await sgdIn(options.threads)
  const ourLooped = await runOurs(task, options.steps, false)
  const ourFused = await runOurs(task, options.steps, true)
  return [
    compare('ours, fused: false, against torch.optim.SGD', ourLooped, sgd, again),
    compare('ours, fused: true, against torch.optim.SGD', ourFused, sgd, again),
  ].map((comparison) => ({ ...comparison, title: `${task.model}: ${comparison.title}` }))
}

async function runOurs(task: Task, steps: number, fused: boolean): Promise<OurRun> {
  using ours = await Ours.start(task, { fused })
  const { losses, seconds } = await ours.run(steps)
  await ours.network.assertSealed()
  const { top1Error } = await evaluate(ours.network, task.test)
  return { losses, seconds, top1Error, ...contents(ours.network) }
}

function contents(network: Network): Pick<OurRun, 'parameters' | 'masks'> {
  const parameters = network.tensorNames().map((name) => {
    using tensor = network.tensor(name)
    return [name, toBytes(tensor).data] as const
  })
  const masks = network.prunable.map((layer) => {
    using mask = network.mask(layer)
    if (mask === undefined) throw new Error(`layer ${layer} lost its mask`)
    return [layer, toBytes(mask).data] as const
  })
  return { parameters: new Map(parameters), masks: new Map(masks) }
}

function compare(title: string, ours: OurRun, theirs: LeNetRun, again: LeNetRun): Comparison {
  const rival = (name: string, run = theirs) => {
    const tensor = run.tensors.get(name)
    if (tensor === undefined) throw new Error(`Python's side wrote no ${name}`)
    return tensor.data
  }
  const tensors = [...ours.parameters].map(([name, data]) => difference(name, data, rival(name)))
  const masks = [...ours.masks].map(([name, mask]) => ({
    name,
    kept: mask.reduce((sum, keep) => sum + keep, 0),
    identical: Buffer.compare(mask, rival(`${name}.weight_mask`)) === 0,
  }))
  const own = [...ours.parameters.keys()].map((name) => difference(name, rival(name, again), rival(name)))
  const tolerance = weightTolerance(Math.max(...own.map(({ ratio }) => ratio)))
  const losses = judgeLosses(ours.losses, theirs.losses, again.losses)
  const close = tensors.every(({ ratio }) => ratio <= tolerance) && losses.failedAt === undefined
  const passed = close && masks.every((mask) => mask.identical)
  return { title, losses, tolerance, tensors, masks, ours, theirs, passed }
}
