import { type Abortable, checkSignal, onAbort, throwIfAborted } from '../base/abort.js'
import type { JobProgress, NativeJob } from './native.js'

/** What a job over a dataset tells while it runs, at most every 50 ms. */
export type { JobProgress }

export interface JobOptions extends Abortable {}

export type Report = (progress: JobProgress) => void

/** Told of progress; may be async. The work goes on meanwhile, and fails with what it throws or rejects with. */
export type Listener<Progress = JobProgress> = (progress: Progress) => unknown

/**
 * Awaits native work under an AbortSignal. An error of `onProgress` stops the work too, and is thrown: it would
 * otherwise come up in the event loop, where nobody catches it.
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
 * As runJob, but where the signal stops the work, it resolves to what that had come to; to undefined where it had not
 * begun.
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
