import { loadAddon } from '../binding/addon.js'

/** Where tensors live; `'cuda'` is the first CUDA device. */
export type Device = 'cpu' | 'cuda' | `cuda:${number}`

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
  loadAddon().synchronize(device)
}
