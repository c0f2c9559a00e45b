/** The progress of a job. `loss` is the mean over `samples`; `correct` counts correct classes or labels. */
export interface JobProgress {
  /** The number of samples, or other items of work, that are done. */
  readonly done: number
  /** The number of items in total. */
  readonly total: number
  /** The mean loss over `samples`; 0 if the work has no loss. */
  readonly loss: number
  /** The number of samples that the loss was computed for. */
  readonly samples: number
  /** The number of classes or labels that were correct. */
  readonly correct: number
}

/**
 * Work on the compute thread. `cancel` lets it finish its current step; if it has not started, the promise resolves to
 * undefined.
 */
export interface NativeJob<Result> {
  readonly promise: Promise<Result | undefined>
  cancel(): void
}
