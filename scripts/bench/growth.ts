import { rm } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadAddon } from '../../lib/internal.js'
import { Ours } from '../lenet/ours.js'
import { prepareTask } from '../lenet/task.js'
import type { Measurement, Part } from './result.js'

const JOB_STEPS = 250
const WARMUP_JOBS = 4

/** Measures the growth of resident memory and of live tensors during a long training. */
export const benchGrowth: Part = async ({ growthSteps, models, data }, say) => {
  const measurements: Measurement[] = []
  for (const model of models) {
    const task = await prepareTask(model, 200, data)
    try {
      using ours = await Ours.start(task)
      say(`${model}: ${growthSteps} steps`)
      // Memory that the data set's files leave behind would hide growth, because V8 frees it only gradually. So there
      // are some warm-up jobs.
      for (let job = 0; job < WARMUP_JOBS; job++) {
        collectGarbage()
        await ours.run(JOB_STEPS)
      }
      const before = usage()
      for (let done = 0; done < growthSteps; ) {
        const steps = Math.min(JOB_STEPS, growthSteps - done)
        await ours.run(steps)
        done += steps
      }
      const after = usage()
      const growth = 100 * (after.resident / before.resident - 1)
      const [from, to] = [before, after].map(({ resident }) => `${(resident / 2 ** 20).toFixed(1)} MiB`)
      measurements.push(
        { what: `${model}, growth of memory`, unit: '%', value: growth, target: 2, note: `${from} to ${to}` },
        {
          what: `${model}, growth of live tensors`,
          unit: 'tensors',
          value: after.tensors - before.tensors,
          target: 0,
          note: `${before.tensors} to ${after.tensors}`,
        },
      )
    } finally {
      await rm(task.folder, { recursive: true, force: true })
    }
  }
  return measurements
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function usage() {
  collectGarbage()
  return { resident: process.memoryUsage.rss(), tensors: loadAddon().liveTensors().tensors }
}
