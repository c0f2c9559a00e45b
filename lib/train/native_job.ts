import type { JobProgress, NativeJob } from '../binding/native.js'

/** What a job over a dataset tells while it runs, at most every 50 ms. */
export type { JobProgress }

export interface JobOptions {
  /** Stops the work after the step it is in; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Awaits native work under an AbortSignal. */
export async function runJob<Result>(start: () => NativeJob<Result>, signal?: AbortSignal): Promise<Result> {
  signal?.throwIfAborted()
  const job = start()
  const cancel = () => job.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    const result = await job.promise
    signal?.throwIfAborted()
    return result
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}
