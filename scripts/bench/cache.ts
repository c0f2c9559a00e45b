import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { setJobThreads } from '../../lib/index.js'
import { Ours } from '../lenet/ours.js'
import { findPython } from '../lenet/python.js'
import { BATCH, prepareTask, type Task } from '../lenet/task.js'
import type { BenchOptions, Measurement, Part } from './result.js'
import { Rival } from './rival.js'
import { spread } from './statistics.js'

const FROZEN = ['conv1', 'conv2']
const WARMUP = 50
const PAUSE_MS = 20
const EPOCHS = 10
const AGREEMENT_STEPS = 200

/**
 * Compares LeNet-5's FC phase on one thread, with and without caching the outputs of the frozen convolutions, to
 * Python, which trains the whole network.
 */
export const benchCache: Part = async (options, say) => {
  setJobThreads(1)
  const task = await prepareTask('lenet-5', AGREEMENT_STEPS, options.data)
  try {
    return [...(await race(task, options, say)), await agreement(task, say)]
  } finally {
    await rm(task.folder, { recursive: true, force: true })
  }
}

async function race(
  task: Task,
  { blocks, steps }: BenchOptions,
  say: (line: string) => void,
): Promise<Measurement[]> {
  using whole = await Ours.start(task)
  using plain = await Ours.start(task, { frozen: FROZEN })
  using cached = await Ours.start(task, { frozen: FROZEN })
  await cached.fillCache()
  using rival = await Rival.start(findPython(), task, {
    threads: 1,
    input: 'bytes',
    warmup: WARMUP,
    mode: 'dense',
  })
  say(`FC phase of lenet-5: ${blocks} blocks of ${steps} steps per side, one thread`)
  const ours = (side: Ours) => async () => (await side.run(steps)).seconds
  const sides = [
    { times: [] as number[], run: ours(cached) },
    { times: [] as number[], run: ours(plain) },
    { times: [] as number[], run: ours(whole) },
    { times: [] as number[], run: () => rival.run(steps) },
  ] as const
  for (const side of [whole, plain, cached]) await side.run(WARMUP)
  for (let block = 0; block < blocks; block++) {
    for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
      await sleep(PAUSE_MS)
      side.times.push(((await side.run()) / steps) * 1000)
    }
  }
  const [withCache, without, all, python] = sides.map(({ times }) => times) as [
    number[],
    number[],
    number[],
    number[],
  ]
  const ratio = (over: readonly number[], under: readonly number[]) =>
    spread(over.map((time, i) => time / under[i]!))
  const note = (over: readonly number[], under: readonly number[]) =>
    `${spread(over).median.toFixed(2)} ms / ${spread(under).median.toFixed(2)} ms`
  const faster = ratio(python, withCache)
  const share = ratio(without, all)
  return [
    {
      what: 'Python, whole network / FC phase cached, per step',
      unit: '×',
      value: faster.median,
      spread: faster,
      target: 12,
      bound: 'least',
      note: note(python, withCache),
    },
    await epochs(task, rival, say),
    {
      what: 'FC phase without cache / whole network, one step of ours',
      unit: '×',
      value: share.median,
      spread: share,
      target: 0.6,
      note: note(without, all),
    },
  ]
}

/** Times our epochs including filling the cache; Python's time is ten times that of one epoch. */
async function epochs(task: Task, rival: Rival, say: (line: string) => void): Promise<Measurement> {
  const steps = Math.ceil(task.dataset.length / BATCH)
  say(`${EPOCHS} epochs of ${steps} steps, including filling the cache; one epoch in Python`)
  using ours = await Ours.start(task, { frozen: FROZEN })
  const filling = await ours.fillCache()
  let seconds = filling
  for (let epoch = 0; epoch < EPOCHS; epoch++) seconds += (await ours.run(steps)).seconds
  const theirs = EPOCHS * (await rival.run(steps))
  return {
    what: `Python, whole network / FC phase cached, ${EPOCHS} epochs and filling`,
    unit: '×',
    value: theirs / seconds,
    target: 7,
    bound: 'least',
    note: `${theirs.toFixed(1)} s / ${seconds.toFixed(1)} s, ${filling.toFixed(1)} s of it filling`,
  }
}

/** Measures how much training on cached outputs deviates from training without a cache, on the same batches. */
async function agreement(task: Task, say: (line: string) => void): Promise<Measurement> {
  say(`agreement with and without cache: ${AGREEMENT_STEPS} steps`)
  using plain = await Ours.start(task, { frozen: FROZEN })
  using cached = await Ours.start(task, { frozen: FROZEN })
  await cached.fillCache()
  for (const side of [plain, cached]) await side.run(AGREEMENT_STEPS)
  let [apart, largest] = [0, 0]
  for (const name of plain.network.tensorNames()) {
    using one = plain.network.tensor(name)
    using other = cached.network.tensor(name)
    const [a, b] = [one.detach().data(), other.detach().data()] as [Float32Array, Float32Array]
    for (const [i, value] of a.entries()) {
      apart = Math.max(apart, Math.abs(value - b[i]!))
      largest = Math.max(largest, Math.abs(value))
    }
  }
  return {
    what: `cached against not, ${AGREEMENT_STEPS} steps: max|Δ| / max|w|`,
    unit: 'share',
    value: apart / largest,
    target: 1e-5,
    note: `${apart.toExponential(1)} of ${largest.toFixed(2)}`,
  }
}
