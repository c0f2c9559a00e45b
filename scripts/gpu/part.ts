/** What all parts of the check are told. */
export interface CheckOptions {
  readonly device: string
  /** Whether to do as little as shows that everything runs. */
  readonly tiny: boolean
  /** The folder of results and logs. */
  readonly out: string
  /** A folder for files that are not kept. */
  readonly scratch: string
  /** Only the test files whose path contains one of these; all if there is none. */
  readonly only: readonly string[]
  /** Only these cases of `bench`; all if there is none. */
  readonly cases: readonly string[]
  /** Further options of `train()` for `bench` and `loader`, as JSON. */
  readonly train: string
  /** The Python whose torch the addon is built for, and which is the rival. */
  readonly python: string
}

/** How a part of the check is run. */
export interface PartContext extends CheckOptions {
  /** The seconds that the part may take. */
  readonly seconds: number
  /** The part's log, a file. */
  readonly log: string
  readonly say: (line: string) => void
}

/** What a part found. */
export interface Outcome {
  /** What is wrong, each in a few lines; none if the part succeeded. */
  readonly failures: readonly string[]
  /** Rows of the final table: what it is, and its figure. */
  readonly rows: readonly (readonly [what: string, value: string])[]
  /** A table of its own, as text. */
  readonly table?: string
  /** The figures, for the JSON file. */
  readonly figures: object
}

/** A part of the check. */
export type Part = (context: PartContext) => Promise<Outcome>
