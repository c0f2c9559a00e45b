import type { NativeLoss } from './evaluate.js'
import type { DatasetHandle, NetworkHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'

/** A layer's weight that is to be pruned. */
export interface NativeScored {
  readonly name: string
  /** Ranked in place of magnitudes: of the weight's shape, or one for each filter. */
  readonly scores?: TensorHandle | undefined
  /** Its standard deviation before the first round. Defaults to the one now. */
  readonly initial?: number | undefined
}

/** How many weights stay. Layers are given by their place among those that are pruned. */
export type NativeSelection =
  /** Those of at least a threshold for each layer: in deviations, or absolute without `of`. */
  | {
      readonly kind: 'threshold'
      readonly of?: 'initial' | 'current' | 'survivors'
      readonly thresholds: readonly number[]
    }
  /** As many of each group of layers together: exactly, where as many are still kept. */
  | {
      readonly kind: 'largest'
      /** Whether `keep` counts whole filters instead of weights. */
      readonly filters?: boolean
      readonly normalize?: 'initial' | 'current' | 'survivors'
      readonly groups: readonly { readonly keep: number; readonly layers: readonly number[] }[]
    }
  /** `keep` of every `of` weights along the inputs. */
  | { readonly kind: 'nm'; readonly keep: number; readonly of: number }

/** What a weight is like; `zeros`, `nan` and `infinite` count kept ones. */
export interface NativeStatistics {
  readonly count: number
  readonly kept: number
  readonly zeros: number
  readonly nan: number
  readonly infinite: number
  /** Of all weights, and of the kept ones alone; both divide by their number. */
  readonly deviation: number
  readonly survivorDeviation: number
}

/** Statistics and scores of weights, and pruning by them. */
export interface PruningFunctions {
  weightStatistics(network: NetworkHandle, names: readonly string[]): NativeJob<NativeStatistics[]>
  /** The smallest magnitude of the `keep` largest, for each tensor. */
  pruneThresholds(
    network: NetworkHandle,
    names: readonly string[],
    keep: readonly number[],
  ): NativeJob<number[]>
  /** Masks each layer by what is selected. Where kept weights are NaN or infinite, it counts them and prunes nothing. */
  pruneSelect(
    network: NetworkHandle,
    layers: readonly NativeScored[],
    selection: NativeSelection,
  ): NativeJob<Pick<NativeStatistics, 'count' | 'kept' | 'nan' | 'infinite'>[]>
  fisherStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { samples: number; batchSize: number; seed: number; loss?: NativeLoss | undefined },
    names: readonly string[],
  ): NativeJob<TensorHandle[]>
  /** The norm of each filter, 1 or 2. */
  filterNorms(network: NetworkHandle, names: readonly string[], norm: number): NativeJob<TensorHandle[]>
  /** |w| / bits^price of each weight, by the bits that it takes in a coded file, of the mean of its layer. */
  magnitudesPerBit(network: NetworkHandle, names: readonly string[], price: number): NativeJob<TensorHandle[]>
  connections(
    network: NetworkHandle,
    names: readonly string[],
  ): NativeJob<{ incoming: Uint8Array; outgoing: Uint8Array }[]>
}
