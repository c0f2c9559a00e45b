import { loadAddon } from '../binding/addon.js'
import type { ProcessGroup } from '../distributed/process_group.js'
import { type Device, deviceKind } from '../tensor/device.js'

/**
 * The device of a process. Of several on one machine each takes a GPU of its own for `'cuda'` and `'best'`, as long as
 * there are enough.
 *
 * @throws TorchPruneError `ERR_DEVICE` for what is no device
 */
export function ownDevice(
  device: Device | 'best',
  name: string,
  group: Pick<ProcessGroup, 'localRank'> | undefined,
  count = loadAddon().cudaDevices(),
): Device {
  const shared = group === undefined || count < 2 || !(device === 'cuda' || device === 'best')
  return shared ? deviceKind.read(device, name) : `cuda:${group.localRank % count}`
}
