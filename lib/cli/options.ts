import { Option } from 'commander'
import type { WeightsOptions } from '../nn/zeros.js'
import { type Device, isDevice } from '../tensor/device.js'
import { wrong } from './values.js'

/** `--json`, for commands that end with figures. */
export function jsonOption(): Option {
  return new Option('--json', 'print the figures as one JSON document, and all else to stderr')
}

export function deviceOption(): Option {
  return new Option('--device <d>', 'cpu, cuda, or cuda:N for the GPU with that number')
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

function device(text: string): Device {
  if (isDevice(text)) return text
  throw wrong('--device', 'cpu, cuda or cuda:N', text)
}
