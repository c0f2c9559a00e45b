import type { JobProgress, NativeJob } from './native.js'

/** What a job over a dataset tells while it runs, at most every 50 ms. */
export type { JobProgress }

export interface JobOptions {
  /** Stops the work after the step it is in; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export type Report = (progress: JobProgress) => void

/**
 * Awaits native work under an AbortSignal. An error that `onProgress` throws stops the work too, and is thrown:
 * it would otherwise come up in the event loop, where nobody catches it.
 */
export async function runJob<Result>(
  start: (report?: Report) => NativeJob<Result>,
  signal?: AbortSignal,
  onProgress?: Report,
): Promise<Result> {
  const result = await runStoppable(start, signal, onProgress)
  signal?.throwIfAborted()
  return result
}

/** As runJob, but where the signal stops the work, it resolves to what that had come to. */
export async function runStoppable<Result>(
  start: (report?: Report) => NativeJob<Result>,
  signal?: AbortSignal,
  onProgress?: Report,
): Promise<Result> {
  signal?.throwIfAborted()
  let failure: { readonly error: unknown } | undefined
  const report = (progress: JobProgress) => {
    if (failure !== undefined) return
    try {
      onProgress?.(progress)
    } catch (error) {
      failure = { error }
      job.cancel()
    }
  }
  const job = start(onProgress && report)
  const cancel = () => job.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    const result = await job.promise
    if (failure !== undefined) throw failure.error
    return result
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}
