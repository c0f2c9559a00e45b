import { kind } from '../base/kind.js'
import { loadAddon } from '../binding/addon.js'

/** Where tensors live; `'cuda'` is the first CUDA device. */
export type Device = 'cpu' | 'cuda' | `cuda:${number}`

/** A device as an argument. */
export const deviceKind = kind<Device>("'cpu', 'cuda' or 'cuda:N'", isDevice, 'ERR_DEVICE')

export function isDevice(value: unknown): value is Device {
  return typeof value === 'string' && /^(cpu|cuda(:\d{1,3})?)$/.test(value)
}

export const cuda = {
  /** Whether this libtorch sees a CUDA device; `torch-prune doctor` says why not. */
  isAvailable(): boolean {
    return loadAddon().cudaDevices() > 0
  },
  deviceCount(): number {
    return loadAddon().cudaDevices()
  },
}

/** Waits until `device` has done all that was asked of it. Does nothing on the CPU. */
export function synchronize(device: Device = 'cuda'): void {
  loadAddon().synchronize(deviceKind.read(device, 'synchronize: device'))
}
