import type { TorchPruneError } from '../../base/errors.js'
import type { NativeJob } from './job.js'

/** A field of an object that the addon reads, as its table of fields has it; used by tests. */
export interface NativeField {
  readonly name: string
  /** Its type, such as `number`, `tensor`, `integer[]`, or the name of another table. */
  readonly kind: string
  readonly optional: boolean
  readonly default?: number | boolean | string
  readonly least?: number
  readonly most?: number
  readonly over?: number
  readonly under?: number
}

/** The addon itself: its errors, warnings, versions, devices and threads. */
export interface RuntimeFunctions {
  /** Sets the class of errors; called once, before anything else. */
  initialize(errorClass: typeof TorchPruneError): void
  /** Passes the text of each libtorch warning to `listener`; it then does not go to stderr. */
  onWarning(listener: (text: string) => void): void
  /** Warns as libtorch does, first on the main thread and then on the compute thread; used by tests. */
  warn(text: string): NativeJob<void>
  /** The tables of the fields of objects that the addon reads, by name; used by tests. */
  fields(): Record<string, NativeField[]>
  versions(): { libtorch: string; build: string }
  cudaDevices(): number
  synchronize(device: string): void
  setJobThreads(threads: number): void
  jobThreads(): number
  setEagerThreads(threads: number): void
}
