import type { NetworkHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** A weight that is to share a few values. */
export interface NativeShared {
  readonly name: string
  /** How many values at most. */
  readonly values: number
  /**
   * How they are found: exactly, by Lloyd's algorithm from evenly spaced starts, or exactly where that is quick.
   * @default 'auto'
   */
  readonly method?: 'auto' | 'best' | 'lloyd'
}

/** What became of a weight whose values are shared. */
export interface NativeSharing {
  readonly kept: number
  /** How many values there are. */
  readonly values: number
  /** The sum of squared distances by which weights were moved. */
  readonly squares: number
}

/** What a weight costs to write down. */
export interface NativeCounts {
  /** How many weights have each index, the pruned ones first; empty if each weight has a value of its own. */
  readonly values: Float64Array
  /** How many kept weights have each level of -127 to 127; empty where the values are not those of int8, or shared. */
  readonly levels: Float64Array
  /** How many kept weights are 1, 2, … 2^bits places after the one before, fillers included; empty without a mask. */
  readonly gaps: Float64Array
  /** The number of weights of 0 that gaps too long for their bits take. */
  readonly fillers: number
}

/** A weight in int8: `weight = levels · scales` along the dimension of its output channels. */
export interface NativeLevels {
  readonly levels: TensorHandle
  readonly scales: TensorHandle
}

/** Weights that share values, or are those of int8. */
export interface QuantizingFunctions {
  /** Gives the kept weights of each layer a few values to share, by k-means: either all layers or none. */
  quantizeShare(network: NetworkHandle, layers: readonly NativeShared[]): NativeJob<NativeSharing[]>
  /**
   * Lets equal weights share their value, in ascending order, where a mask keeps them and they have at most so many
   * values, some of them often: either all layers or none. Returns which layers do; no weight changes.
   */
  quantizeEqual(
    network: NetworkHandle,
    layers: readonly { readonly name: string; readonly values: number }[],
  ): NativeJob<boolean[]>
  /**
   * The levels of int8 that are nearest to a weight's values, or, where they are to be `exact`, those of which the values
   * are multiples; undefined where there are none. `axis` is the dimension of its output channels.
   */
  quantizeLevels(weight: TensorHandle, axis: number, exact: boolean): NativeJob<NativeLevels | undefined>
  /** `bits` are those of the gap between two kept weights, `axis` is the dimension of the output channels. */
  quantizeCounts(
    network: NetworkHandle,
    weights: readonly { readonly name: string; readonly bits: number; readonly axis: number }[],
  ): NativeJob<NativeCounts[]>
  /** The index of a weight whose values are shared, and those values by index; the first one is 0. */
  networkCodebook(
    network: NetworkHandle,
    name: string,
  ): { readonly index: TensorHandle; readonly values: TensorHandle } | undefined
}
