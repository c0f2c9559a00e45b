import type { DatasetHandle, LeaseHandle, NetworkHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** What a training run owns while it lasts. */
export interface LeaseFunctions {
  /** From now on until `leaseEnd`, only the lease's own jobs may write to the objects named here. */
  leaseTake(
    by: string,
    network: NetworkHandle | undefined,
    datasets: readonly DatasetHandle[],
    tensors: readonly TensorHandle[],
  ): LeaseHandle
  /** Resolves when no job reads the network; undefined if none reads it now. */
  leaseWait(lease: LeaseHandle): NativeJob<undefined> | undefined
  leaseEnd(lease: LeaseHandle): void
}
