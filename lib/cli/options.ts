import { Option } from 'commander'
import type { WeightsOptions } from '../nn/zeros.js'
import { type Device, isDevice } from '../tensor/device.js'
import { wrong } from './values.js'

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

function device(text: string): Device {
  if (isDevice(text)) return text
  throw wrong('--device', 'cpu, cuda or cuda:N', text)
}
