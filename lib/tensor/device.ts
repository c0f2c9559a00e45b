import { kind } from '../base/kind.js'
import { loadAddon } from '../binding/addon.js'

/** The place where a tensor's elements are; `'cuda'` is the first CUDA device. */
export type Device = 'cpu' | 'cuda' | `cuda:${number}`

/** The kind of a device argument. Throws `ERR_DEVICE` for anything else. */
export const deviceKind = kind<Device>("'cpu', 'cuda' or 'cuda:N'", isDevice, 'ERR_DEVICE')

/** Whether a value is written like a device; the device need not exist. */
export function isDevice(value: unknown): value is Device {
  return typeof value === 'string' && /^(cpu|cuda(:\d{1,3})?)$/.test(value)
}

/** The CUDA devices of this machine. */
export const cuda = {
  /** Whether this libtorch sees a CUDA device; if not, `torch-prune doctor` says why. */
  isAvailable(): boolean {
    return loadAddon().cudaDevices() > 0
  },
  /** The number of CUDA devices. */
  deviceCount(): number {
    return loadAddon().cudaDevices()
  },
}

/** Waits until `device` has finished all work that was submitted to it. Does nothing on the CPU. */
export function synchronize(device: Device = 'cuda'): void {
  loadAddon().synchronize(deviceKind.read(device, 'synchronize: device'))
}
