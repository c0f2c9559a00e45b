/** The progress of a study: how many of its points or curves are done. */
export interface StudyProgress {
  /** The number of points or curves that are done. */
  readonly done: number
  /** The number of points or curves in total. */
  readonly total: number
}
