import { type Kind, kind } from '../base/kind.js'
import { loadAddon } from '../binding/addon.js'

/** The place where a tensor's elements are; `'cuda'` is the first CUDA device. */
export type Device = 'cpu' | 'cuda' | `cuda:${number}`

const written = kind<Device | 'best'>(
  "'cpu', 'cuda', 'cuda:N' or 'best'",
  (value) => value === 'best' || isDevice(value),
  'ERR_DEVICE',
)

/**
 * The kind of a device argument. `'best'` is read as the CUDA device with the most free memory, or as the CPU where there
 * is none. Throws `ERR_DEVICE` for anything else.
 */
export const deviceKind: Kind<Device, Device | 'best'> = {
  ...written,
  read(value, name) {
    const device = written.read(value, name)
    return device === 'best' ? bestDevice() : device
  },
}

function bestDevice(): Device {
  const count = loadAddon().cudaDevices()
  if (count === 0) return 'cpu'
  const devices = Array.from({ length: count }, (_, index): Device => `cuda:${index}`)
  const free = (device: Device) => loadAddon().cudaMemory(device)?.free ?? 0
  return count === 1 ? 'cuda' : devices.reduce((best, device) => (free(device) > free(best) ? device : best))
}

/** Whether a value is written like a device; the device need not exist. */
export function isDevice(value: unknown): value is Device {
  return typeof value === 'string' && /^(cpu|cuda(:\d{1,3})?)$/.test(value)
}

/** Waits until `device` has finished all work that was submitted to it. Does nothing on the CPU. */
export function synchronize(device: Device = 'cuda'): void {
  loadAddon().synchronize(deviceKind.read(device, 'synchronize: device'))
}
