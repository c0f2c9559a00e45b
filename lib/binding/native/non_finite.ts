/** Counts of values that are NaN or infinite; `first` is -1 if there are none. */
export interface NonFinite {
  readonly nan: number
  readonly infinite: number
  /** The position of the first such value, or of its sample in a dataset. */
  readonly first: number
}

/** The values of a named tensor that are NaN or infinite, out of `count` in total. */
export interface NonFiniteTensor extends NonFinite {
  readonly name: string
  readonly count: number
}
