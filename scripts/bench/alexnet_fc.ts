import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { findPython } from '../lenet/python.js'
import { compareSide, type Timed } from '../network/sides.js'
import { NETWORKS, prepareNetwork } from '../network/task.js'
import type { Measurement, Part } from './result.js'
import { spread } from './statistics.js'

// AlexNet's steps take a second each, so with as many blocks as in the other parts this would take half an hour.
const BLOCKS = 6
const STEPS = 5
const PAUSE_MS = 20

/** Compares AlexNet's FC phase, with cached frozen convolutions, to Python, which trains the whole network. */
export const benchAlexnetFc: Part = async ({ threads }, say) => {
  const python = findPython({ modules: ['torchvision'] })
  const { batch } = NETWORKS.alexnet
  const folder = await prepareNetwork('alexnet', { batch, steps: STEPS })
  const measurements: Measurement[] = []
  try {
    for (const count of threads) {
      say(`FC phase of alexnet: ${BLOCKS} blocks of ${STEPS} steps per side, threads: ${count}`)
      const flags = { folder, model: 'alexnet', batch, threads: count }
      using cached = await compareSide('ours', python, { ...flags, frozen: 'conv' })
      using prune = await compareSide('prune', python, flags)
      using dense = await compareSide('dense', python, flags)
      const filling = await cached.ask<Timed>('cache')
      const sides = [cached, prune, dense].map((side) => ({ side, times: [] as number[] }))
      // The first block is a warm-up.
      for (let block = 0; block <= BLOCKS; block++) {
        for (const { side, times } of block % 2 === 0 ? sides : sides.toReversed()) {
          await sleep(PAUSE_MS)
          const { seconds } = await side.ask<Timed>(`run ${STEPS}`)
          if (block > 0) times.push(seconds / STEPS)
        }
      }
      const [ours, pruned, plain] = sides.map(({ times }) => times) as [number[], number[], number[]]
      const line = (what: string, theirs: readonly number[]) => {
        const ratio = spread(theirs.map((time, i) => time / ours[i]!))
        const ms = (times: readonly number[]) => `${(1000 * spread(times).median).toFixed(0)} ms`
        const title = `${what}, whole / alexnet FC phase cached, ${count} thread${count === 1 ? '' : 's'}`
        return {
          what: title,
          unit: '×',
          value: ratio.median,
          spread: ratio,
          note: `${ms(theirs)} / ${ms(ours)}`,
        } as const
      }
      const filled = `; filling ${((1000 * filling.seconds) / (STEPS * batch)).toFixed(1)} ms per image`
      const first = line('Python prune', pruned)
      measurements.push(
        { ...first, note: first.note + filled, target: 4, bound: 'least' },
        line('Python dense', plain),
      )
    }
    return measurements
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
