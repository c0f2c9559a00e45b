import { Option } from 'commander'
import { loadAddon } from '../binding/addon.js'
import type { WeightsOptions } from '../nn/zeros.js'
import { type Device, deviceKind, isDevice } from '../tensor/device.js'
import { interruptible } from './interrupt.js'
import { whole, wrong } from './values.js'

/** `--json`, for commands that end with figures. */
export function jsonOption(): Option {
  return new Option('--json', 'print the figures as one JSON document, and all else to stderr')
}

export function deviceOption(): Option {
  return new Option(
    '--device <d>',
    'cpu, cuda, cuda:N for the GPU with that number, or best for a GPU where there is one',
  )
    .argParser(device)
    .default('cpu', 'cpu, also where there is a GPU')
}

/** The option of commands that read weights from a file. */
export type MaskOption = Pick<WeightsOptions, 'mask'>

export function maskOption(): Option {
  return new Option(
    '--mask <what>',
    'zeros: seal weights that are exactly 0, for files without masks',
  ).choices(['zeros'])
}

export interface ProcessesOption {
  readonly nproc?: number
}

/** `--nproc`, for commands that train. */
export function processesOption(): Option {
  return new Option(
    '--nproc <n>',
    'train in so many processes of this machine, each with a part of every batch',
  ).argParser(whole('--nproc', 1, 1024))
}

/** Does work in this process, or starts those that do it. */
export async function inProcesses(
  { nproc }: ProcessesOption,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (nproc === undefined) return interruptible(work)
  const { launch } = await import('./launch.js')
  process.exitCode = await launch(nproc)
}

function device(text: string): Device {
  if (text !== 'best' && !isDevice(text)) throw wrong('--device', 'cpu, cuda, cuda:N or best', text)
  // Each of several processes takes a GPU of its own, once it knows the others.
  if (text === 'best' && process.env.LOCAL_RANK && loadAddon().cudaDevices() > 1) return 'cuda'
  return deviceKind.read(text, '--device')
}
