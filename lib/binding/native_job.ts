import { type Abortable, checkSignal, onAbort, throwIfAborted } from '../base/abort.js'
import type { JobProgress, NativeJob } from './native.js'

/** What a job over a dataset reports while it runs, at most every 50 ms. */
export type { JobProgress }

/** Options of a native job. */
export interface JobOptions extends Abortable {}

/** Receives a job's progress. */
export type Report = (progress: JobProgress) => void

/**
 * A user's listener for progress. It may be async: the work continues in the meantime, and fails with whatever the
 * listener throws or rejects with.
 */
export type Listener<Progress = JobProgress> = (progress: Progress) => unknown

/**
 * Awaits native work under an AbortSignal. An error in `onProgress` stops the work too, and is thrown here: otherwise
 * it would surface in the event loop, where nobody catches it.
 */
export async function runJob<Result>(
  start: (report?: Report) => NativeJob<Result>,
  signal?: AbortSignal | null,
  onProgress?: Listener,
): Promise<Result> {
  const result = await runStoppable(start, signal, onProgress)
  throwIfAborted(signal)
  return result!
}

/**
 * Works like `runJob`, but if the signal stops the work, it resolves to the partial result, or to undefined if the work
 * had not started.
 */
export async function runStoppable<Result>(
  start: (report?: Report) => NativeJob<Result>,
  signal?: AbortSignal | null,
  onProgress?: Listener,
): Promise<Result | undefined> {
  checkSignal(signal)
  throwIfAborted(signal)
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown) => {
    failure ??= { error }
    job.cancel()
  }
  const answers = new Set<Promise<void>>()
  const report = (progress: JobProgress) => {
    if (failure !== undefined) return
    try {
      const answer = onProgress?.(progress)
      if (typeof (answer as PromiseLike<unknown> | undefined)?.then !== 'function') return
      const heard: Promise<void> = Promise.resolve(answer)
        .then(() => {}, fail)
        .finally(() => answers.delete(heard))
      answers.add(heard)
    } catch (error) {
      fail(error)
    }
  }
  const job = start(onProgress && report)
  const ignore = onAbort(signal, () => job.cancel())
  try {
    const result = await job.promise
    await Promise.all(answers)
    if (failure !== undefined) throw failure.error
    return result
  } finally {
    ignore()
  }
}
