/** How far a study is: points or curves that are done, of all. */
export interface StudyProgress {
  readonly done: number
  readonly total: number
}
