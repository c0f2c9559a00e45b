import type { ComputeOptions } from '../../base/compute.js'
import type { DatasetHandle, NetworkHandle, OptimizerHandle, TensorHandle } from './handles.js'
import type { JobProgress, NativeJob } from './job.js'
import type { NonFiniteTensor } from './non_finite.js'
import type { NativeSplicing, SplicingCounts } from './splice.js'

/** How far a training job has come: the steps that are done, and their totals. */
export interface TrainingTally {
  readonly steps: number
  readonly samples: number
  /** The sum of the mean losses of batches, each multiplied by its count. */
  readonly lossSum: number
  /** The sum of the counts of batches: numbers of samples, or sums of class weights. */
  readonly lossCount: number
  /** The number of classes or labels that were judged. */
  readonly judged: number
  /** The number of classes or labels that were correct. */
  readonly correct: number
}

/** The first thing that is NaN or infinite on a batch's way from its samples to its loss. */
export interface BrokenStep extends NonFiniteTensor {
  readonly what: 'sample' | 'target' | 'teacher' | 'tensor' | 'layer' | 'loss'
  /** The sample that it belongs to; -1 if it belongs to none. */
  readonly sample: number
}

/** The result of a training job. */
export interface TrainingResult extends TrainingTally {
  /** The mean loss over all samples. */
  readonly loss: number
  /** Whether the epoch is finished. */
  readonly over: boolean
  readonly cancelled: boolean
  /** The loss of each step, if they were requested with `keepLosses`. */
  readonly losses: Float32Array
  /** The losses of the first step, and of the last step whose loss is a number; NaN if they are not known. */
  readonly firstLoss: number
  readonly lastLoss: number
  /** The largest magnitude in the samples of a step whose loss was unreasonably large; 0 if there was no such step. */
  readonly largestSample: number
  /** What was NaN or infinite, if that is why training stopped. */
  readonly broken?: BrokenStep
  /** The weights that splicing changed, if masks were spliced. */
  readonly splicing?: SplicingCounts
}

/** Training. */
export interface TrainingFunctions {
  trainingStart(
    network: NetworkHandle,
    optimizer: OptimizerHandle,
    dataset: DatasetHandle,
    options: {
      order?: readonly number[]
      seed?: number
      batchSize: number
      /** Leaves out the last batch if it is not full. */
      dropLast?: boolean
      rates: readonly number[] | Float64Array
      keepLosses?: boolean
      autocast?: ComputeOptions['autocast']
      /** The augmentation as nativeAugmentation() returns it. */
      augment?: object | undefined
      /** `[height, width]` to which images are resized. */
      size?: readonly [number, number] | undefined
      /** The layer whose outputs the dataset holds, as `prefixStart` made it. */
      after?: number
      /** The loss, as described in lib/train/losses.ts. */
      loss?: object | undefined
      /** The number of batches whose gradients make one step of the optimizer. */
      accumulate?: number
      clipNorm?: number
      clipValue?: number
      teacher?: TensorHandle | undefined
      teacherWeight?: number
      temperature?: number
      splicing?: NativeSplicing & { readonly steps: readonly number[] }
      /** Running averages by parameter: each moves toward its parameter after each step, by that step's weight. */
      averages?: Readonly<Record<string, TensorHandle>>
      averageWeights?: Float64Array
      /** Where an earlier job over the same data stopped. */
      from?: TrainingTally | undefined
      /** After this many seconds, training stops at the end of a step, but does at least one. */
      pauseAfter?: number | undefined
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<TrainingResult>
}
