import type { NetworkHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** A layer's weight among those that are spliced together. */
export interface NativeRanked {
  readonly name: string
  /**
   * What magnitudes are divided by.
   * @default 1
   */
  readonly scale?: number
}

/** Splicing of weights in groups, each with its own number of weights to keep. */
export interface NativeSplicing {
  readonly groups: readonly (readonly NativeRanked[])[]
  /** How far the two thresholds are from the one that keeps exactly that many weights: it is divided by 1 ± margin. */
  readonly margin: number
  /** The number of weights to keep: one count per group for each step at which masks change. */
  readonly keep: readonly number[]
  /** In training, the steps before which masks change. */
  readonly steps?: readonly number[]
}

/** The number of pruned weights that came back, and of kept weights that were removed. */
export interface SplicingCounts {
  readonly returned: number
  readonly removed: number
}

/** Splicing: masks that change, under which pruned weights may return. */
export interface SplicingFunctions {
  /** `keep` holds a count for each group. */
  spliceOnce(network: NetworkHandle, options: NativeSplicing): NativeJob<SplicingCounts>
}
