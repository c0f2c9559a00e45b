import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { jobThreads } from '../../lib/index.js'
import { Ours } from '../lenet/ours.js'
import { prepareTask } from '../lenet/task.js'
import type { Part } from './result.js'
import { spread } from './statistics.js'

const PERIOD_MS = 10
const BUSY_MS = 5
// The blocks are long because the end of a job is only noticed when the event loop is free again, up to BUSY_MS later.
const BLOCK_FACTOR = 5

/** Times a LeNet-300-100 step with the service's default thread count while JavaScript is busy half of the time. */
export const benchBusy: Part = async ({ blocks, steps: short, data }, say) => {
  const steps = short * BLOCK_FACTOR
  const task = await prepareTask('lenet-300-100', 200, data)
  try {
    using ours = await Ours.start(task)
    await ours.run(steps)
    say(`lenet-300-100: ${blocks} blocks of ${steps} steps, quiet and busy, threads: ${jobThreads()}`)
    const [quiet, busy, shares]: [number[], number[], number[]] = [[], [], []]
    for (let block = 0; block < blocks; block++) {
      quiet.push((await ours.run(steps)).seconds / steps)
      const load = startLoad()
      busy.push((await ours.run(steps)).seconds / steps)
      shares.push(await load.stop())
    }
    const ratio = spread(busy.map((time, i) => time / quiet[i]!))
    const ms = (times: readonly number[]) => (1000 * spread(times).median).toFixed(2)
    const share = `loop busy ${(100 * spread(shares).median).toFixed(0)}%`
    const note = `${ms(busy)} ms / ${ms(quiet)} ms, ${share}`
    return [
      {
        what: 'lenet-300-100 step, busy / quiet',
        unit: '×',
        value: ratio.median,
        spread: ratio,
        target: 3,
        note,
      },
    ]
  } finally {
    await rm(task.folder, { recursive: true, force: true })
  }
}

/** Keeps the event loop busy for BUSY_MS of every PERIOD_MS; `stop` returns the actual share of busy time. */
function startLoad() {
  const started = performance.now()
  let spent = 0
  let stopped = false
  const work = (async () => {
    for (let next = started; !stopped; next += PERIOD_MS) {
      const begin = performance.now()
      while (performance.now() - begin < BUSY_MS);
      spent += performance.now() - begin
      await sleep(Math.max(0, next + PERIOD_MS - performance.now()))
    }
    return spent / (performance.now() - started)
  })()
  return {
    stop: () => {
      stopped = true
      return work
    },
  }
}
