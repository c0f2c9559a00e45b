import type { ProcessGroupHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** How a process joins the others. */
export interface ProcessGroupOptions {
  /** The place of this process among them, from 0. */
  readonly rank: number
  readonly worldSize: number
  /** The machine of rank 0, and the port there by which the processes find each other. */
  readonly address: string
  readonly port: number
  /** Whether rank 0 opens that port itself, as it does by default; otherwise a launcher has opened it. */
  readonly listen?: boolean
  /** Tells one attempt from another where a launcher's port outlives it. */
  readonly prefix?: string
  /** Seconds until all must have joined. */
  readonly connectTimeout?: number
  /** Seconds after which a process that does not answer counts as gone. */
  readonly timeout?: number
  /** Whether processes of one machine sum in memory that they share, as they do by default. */
  readonly sharedMemory?: boolean
  /** What all processes must have alike, by name. */
  readonly traits?: Readonly<Record<string, string>>
}

/** Processes that train together. Each must make the same calls in the same order. */
export interface ProcessGroupFunctions {
  processGroupStart(options: ProcessGroupOptions): NativeJob<ProcessGroupHandle>
  /** Rejects with `ERR_GROUP` in all processes where one differs from rank 0. */
  processGroupCompare(
    group: ProcessGroupHandle,
    traits: Readonly<Record<string, string>>,
  ): NativeJob<undefined>
  /** Resolves to the text of rank 0. */
  processGroupShare(group: ProcessGroupHandle, text: string): NativeJob<string>
  /** What this process waits for in the group ends with an error. */
  processGroupInterrupt(group: ProcessGroupHandle): void
}
