import type { Device } from '../../lib/tensor/device.js'

/** Where the tests put their tensors: `TORCH_PRUNE_DEVICE=cuda npm test` tries them on a GPU. */
export const device = (process.env.TORCH_PRUNE_DEVICE ?? 'cpu') as Device
