import type { ComputeOptions } from '../../base/compute.js'
import type {
  DatasetHandle,
  NetworkHandle,
  OptimizerHandle,
  ProcessGroupHandle,
  TensorHandle,
  TrainerHandle,
} from './handles.js'
import type { JobProgress, NativeJob } from './job.js'
import type { NonFiniteTensor } from './non_finite.js'
import type { NativeSplicing, SplicingCounts } from './splice.js'

/** How far a training has come in an epoch: the steps that are done, and their totals. */
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
  /** What losses are multiplied by before backward in float16, from 1 to 2^24; undefined for other dtypes. */
  readonly scale?: number
  /** The number of steps with finite gradients since the scale changed, 0 to 1999. */
  readonly scaleAge?: number
}

/** The first thing that is NaN or infinite on a batch's way from its samples to its loss. */
export interface BrokenStep extends NonFiniteTensor {
  readonly what: 'sample' | 'target' | 'teacher' | 'tensor' | 'layer' | 'gradient' | 'loss'
  /** The sample that it belongs to; -1 if it belongs to none. */
  readonly sample: number
}

/** Where a training stands within an epoch. */
export interface TrainerState extends TrainingTally {
  /** Whether the epoch is finished. The next run then begins another one. */
  readonly over: boolean
}

/** The result of one run of a trainer: where it stands, and what happened in the run. */
export interface TrainingResult extends TrainerState {
  /** The mean loss over all samples of the epoch. */
  readonly loss: number
  readonly cancelled: boolean
  /** The loss of each step of the run, if they were requested with `keepLosses`. */
  readonly losses: Float32Array
  /**
   * The losses of the first step of the training, and of the last step whose loss is a number; NaN if they are not
   * known.
   */
  readonly firstLoss: number
  readonly lastLoss: number
  /** The largest magnitude in the samples of a step whose loss was unreasonably large; 0 if there was no such step. */
  readonly largestSample: number
  /** What was NaN or infinite, if that is why training stopped. */
  readonly broken?: BrokenStep
  /** On a GPU, how many steps of the training were captured so far, and why others were not; '' for no reason. */
  readonly captured?: number
  readonly whyEager?: string
  /** The layers that the training computes with their kept weights alone; undefined if that is off. */
  readonly sparse?: readonly string[]
  /** The weights that splicing changed in the run, if masks were spliced. */
  readonly splicing?: SplicingCounts
}

/** What stands still from a training's first step to its last. */
export interface TrainerOptions {
  readonly batchSize: number
  /** Leaves out the last batch if it is not full. */
  readonly dropLast?: boolean
  /** The loss, as described in lib/train/losses.ts. */
  readonly loss?: object | undefined
  /** The number of batches whose gradients make one step of the optimizer. */
  readonly accumulate?: number
  /** Whether batch normalizations go over the batches of all processes. */
  readonly syncBatchNorm?: boolean | undefined
  readonly clipNorm?: number
  readonly clipValue?: number
  readonly autocast?: ComputeOptions['autocast']
  /** The augmentation as nativeAugmentation() returns it. */
  readonly augment?: object | undefined
  /** The layer whose outputs the dataset holds, as `prefixStart` made it. */
  readonly after?: number
  /** The teacher's outputs for each sample. */
  readonly teacher?: TensorHandle | undefined
  readonly teacherWeight?: number
  readonly temperature?: number
  /** Running averages by parameter: each moves toward its parameter after each step, by that step's weight. */
  readonly averages?: Readonly<Record<string, TensorHandle>> | undefined
  readonly keepLosses?: boolean
  /** Whether steps on a GPU are recorded where they can be; they are by default. */
  readonly capture?: boolean | undefined
  /** Whether layers compute with their kept weights alone. */
  readonly sparse?: 'off' | 'on' | 'auto' | undefined
  /** What `'auto'` chose before; without them, it measures. */
  readonly sparseLayers?: readonly string[] | undefined
  /** The processes that each train with a part of every batch; one process alone by default. */
  readonly group?: ProcessGroupHandle | undefined
}

/** The epoch that a run begins or continues, and where the run stops. */
export interface EpochOptions {
  /** The learning rate of each step, or one for all. */
  readonly rates: readonly number[] | Float64Array
  /** Seeds the order of the samples and their augmentation. */
  readonly seed?: number
  /** The samples in their order, in place of a shuffled one. */
  readonly order?: readonly number[]
  /** `[height, width]` to which images are resized. */
  readonly size?: readonly [number, number] | undefined
  /** The weight of each step in the averages. */
  readonly averageWeights?: Float64Array | undefined
  readonly splicing?: (NativeSplicing & { readonly steps: readonly number[] }) | undefined
  /** Stops after so many steps, or as soon after that as gradients are not being accumulated. */
  readonly steps?: number | undefined
  /** Stops after so many seconds in the same way, but does at least one step. */
  readonly pauseAfter?: number | undefined
}

/** Training. */
export interface TrainingFunctions {
  trainerMake(
    network: NetworkHandle,
    optimizer: OptimizerHandle,
    dataset: DatasetHandle,
    options: TrainerOptions,
  ): TrainerHandle
  /** Continues the epoch that the trainer is in; if that is over, it begins the next one. */
  trainerRun(
    trainer: TrainerHandle,
    epoch: EpochOptions,
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<TrainingResult>
  trainerState(trainer: TrainerHandle): TrainerState
  /** The next run continues from this position within an epoch. Without `scale`, the loss keeps the one that it has. */
  trainerLoad(trainer: TrainerHandle, position: TrainingTally): void
  /** The run in progress, or the next one, ends after its step, or as soon after that as gradients are not being accumulated. */
  trainerPause(trainer: TrainerHandle): void
  trainerDispose(trainer: TrainerHandle): void
}
