/** The progress of a study: how many of its points or curves are done. */
export interface StudyProgress {
  readonly done: number
  readonly total: number
}
