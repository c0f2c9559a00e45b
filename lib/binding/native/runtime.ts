import type { TorchPruneError } from '../../base/errors.js'
import type { NativeJob } from './job.js'

/** The addon itself: its errors, warnings, versions, devices and threads. */
export interface RuntimeFunctions {
  /** Sets the class of errors; called once, before anything else. */
  initialize(errorClass: typeof TorchPruneError): void
  /** Passes the text of each libtorch warning to `listener`; it then does not go to stderr. */
  onWarning(listener: (text: string) => void): void
  /** Warns as libtorch does, first on the main thread and then on the compute thread; used by tests. */
  warn(text: string): NativeJob<void>
  versions(): { libtorch: string; build: string }
  cudaDevices(): number
  synchronize(device: string): void
  setJobThreads(threads: number): void
  jobThreads(): number
  setEagerThreads(threads: number): void
}
