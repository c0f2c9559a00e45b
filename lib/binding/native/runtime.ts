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

/** How CUDA computes; lib/tensor/cuda.ts says what each of them does. */
export interface CudaSwitches {
  readonly tf32: boolean
  readonly benchmark: boolean
  readonly deterministic: boolean
}

/** Memory of a CUDA device, in bytes. */
export interface CudaMemory {
  /** What tensors take, and the most that they have taken. */
  readonly allocated: number
  readonly peak: number
  /** What libtorch holds, for tensors that are or that may come. */
  readonly reserved: number
  /** What no process holds, and what the device has. */
  readonly free: number
  readonly total: number
}

export interface CudaProperties {
  /** Such as `NVIDIA H200`. */
  readonly name: string
  /** The compute capability, such as `9.0`. */
  readonly capability: string
  /** Bytes. */
  readonly memory: number
  /** Streaming multiprocessors. */
  readonly processors: number
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
  /** Sets what is given, for the whole process; returns what is set then. */
  cudaConfigure(options: { [Switch in keyof CudaSwitches]?: boolean | undefined }): CudaSwitches
  /** `free` and `total` are 0 where libtorch cannot tell. Undefined for the CPU. */
  cudaMemory(device: string): CudaMemory | undefined
  cudaEmptyCache(): void
  /** Undefined for the CPU, and where the addon was built without the headers of the CUDA runtime. */
  cudaProperties(device: string): CudaProperties | undefined
  /** Whether this build can capture steps as CUDA graphs. */
  cudaGraphs(): boolean
  /** Whether this build sums gradients on GPUs, by NCCL. */
  cudaNccl(): boolean
  synchronize(device: string): void
  setJobThreads(threads: number): void
  jobThreads(): number
  setEagerThreads(threads: number): void
  /** Gives memory that was released back to the system. */
  trimMemoryStart(): NativeJob<void>
}
