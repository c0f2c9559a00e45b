import { Job, type Work } from '../base/job.js'
import { Lease, refuseOwned } from '../base/lease.js'
import { loadAddon } from '../binding/addon.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { Tensor } from '../tensor/tensor.js'
import type { Distillation } from './options/distillation.js'

/** Data that a job uses besides its network, and that nothing may change meanwhile. */
export interface UsedData {
  readonly datasets?: readonly (Dataset | undefined)[]
  readonly teacher?: Distillation['teacher'] | undefined
}

/** A job that owns its network from its first step to its last. Errors of other uses name it as `by`. */
export function networkJob<Event, Result, Progress = never>(
  by: string,
  network: AnyNetwork,
  used: UsedData,
  work: Work<Event, Result, Progress>,
  signal?: AbortSignal,
): Job<Event, Result, Progress> {
  return new Job(work, signal, () => leaseOf(by, network, used))
}

/** Does some work that owns a network meanwhile. */
export async function holdingNetwork<Result>(
  by: string,
  network: AnyNetwork,
  used: UsedData,
  work: () => Promise<Result>,
): Promise<Result> {
  const lease = leaseOf(by, network, used)
  try {
    return await lease.run(work)
  } finally {
    lease.end()
  }
}

/** Within work that already owns the network, the lease covers only the data. */
function leaseOf(by: string, network: AnyNetwork, used: UsedData): Lease {
  const native = loadAddon()
  const owns = Lease.holds(network) ? undefined : network
  if (owns) refuseOwned(owns)
  const datasets = (used.datasets ?? []).filter((dataset) => dataset !== undefined)
  const tensors = used.teacher instanceof Tensor ? [used.teacher.handle] : []
  const handle = native.leaseTake(
    by,
    owns?.handle,
    datasets.map((dataset) => dataset.handle),
    tensors,
  )
  return new Lease({
    by,
    owns,
    reads: datasets,
    quiet: async () => {
      await native.leaseWait(handle)?.promise
    },
    onEnd: () => native.leaseEnd(handle),
  })
}
