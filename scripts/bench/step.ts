import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { setJobThreads } from '../../lib/index.js'
import { Ours } from '../lenet/ours.js'
import { findPython, type Python } from '../lenet/python.js'
import { type LeNetName, prepareTask, type Task } from '../lenet/task.js'
import type { BenchOptions, Measurement, Part } from './result.js'
import { Rival } from './rival.js'
import { type Spread, spread } from './statistics.js'

const TARGETS: Readonly<Record<LeNetName, number>> = { 'lenet-300-100': 0.75, 'lenet-5': 0.9 }
const WARMUP = 50
// When work ends, OpenMP threads spin for a while. This pause lets one side's threads fall asleep before the other
// starts.
const PAUSE_MS = 20

/**
 * Compares a masked training step to Python's with torch.nn.utils.prune. The sides take turns, and each ratio is of
 * blocks that are adjacent in time.
 */
export const benchStep: Part = async (options, say) => {
  const python = findPython()
  const measurements: Measurement[] = []
  for (const model of options.models) {
    const task = await prepareTask(model, 200, options.data)
    try {
      for (const threads of options.threads) {
        say(`${model}: ${options.blocks} blocks of ${options.steps} steps per side, threads: ${threads}`)
        measurements.push(...(await race(task, python, threads, options)))
      }
    } finally {
      await rm(task.folder, { recursive: true, force: true })
    }
  }
  return measurements
}

async function race(
  task: Task,
  python: Python,
  threads: number,
  { blocks, steps }: BenchOptions,
): Promise<Measurement[]> {
  setJobThreads(threads)
  using ours = await Ours.start(task)
  await ours.run(WARMUP)
  using bytes = await Rival.start(python, task, { threads, input: 'bytes', warmup: WARMUP })
  using prepared = await Rival.start(python, task, { threads, input: 'prepared', warmup: WARMUP })
  const sides = [
    { times: [] as number[], run: async () => (await ours.run(steps)).seconds },
    { times: [] as number[], run: () => bytes.run(steps) },
    { times: [] as number[], run: () => prepared.run(steps) },
  ] as const
  for (let block = 0; block < blocks; block++) {
    // The order alternates, so that a machine that warms up or slows down favors nobody.
    for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
      await sleep(PAUSE_MS)
      side.times.push(((await side.run()) / steps) * 1000)
    }
  }
  const [own, fromBytes, fromPrepared] = sides.map((side) => side.times) as [number[], number[], number[]]
  const ratios = (theirs: readonly number[]) => spread(own.map((time, i) => time / theirs[i]!))
  const title = `${task.model} step, ${threads} thread${threads === 1 ? '' : 's'}`
  const line = (against: string, theirs: readonly number[]): Omit<Measurement, 'target'> => {
    const ratio: Spread = ratios(theirs)
    const note = `${spread(own).median.toFixed(2)} ms / ${spread(theirs).median.toFixed(2)} ms`
    return { what: `${title} / ${against}`, unit: '×', value: ratio.median, spread: ratio, note }
  }
  return [
    { ...line('Python prune', fromBytes), target: TARGETS[task.model] },
    line('Python prune, batches ready', fromPrepared),
  ]
}
