import type { ComputeOptions } from '../../base/compute.js'
import type { DatasetHandle, NetworkHandle, TensorHandle } from './handles.js'
import type { JobProgress, NativeJob } from './job.js'

/** The metrics of outputs, depending on the loss. Those without samples are left out. */
export type NativeMetrics =
  | { readonly kind: 'classes'; readonly judged: number; readonly correct: number; readonly correct5: number }
  | {
      readonly kind: 'labels'
      readonly samples: number
      readonly judged: number
      readonly correct: number
      /** The number of samples whose labels are all correct. */
      readonly exact: number
      readonly f1?: number
      readonly macroF1?: number
    }
  | { readonly kind: 'regression'; readonly mse?: number; readonly mae?: number; readonly r2?: number }

/** The result of an evaluation job. */
export interface EvaluationResult {
  readonly samples: number
  readonly loss: number
  readonly metrics: NativeMetrics
  readonly cancelled: boolean
  /** The share of non-zero values in the samples, if activations were requested. */
  readonly inputDensity: number
  /** The share of non-zero outputs by layer; empty unless it was requested. */
  readonly densities: Readonly<Record<string, number>>
}

/** A loss, as lib/train/losses.ts describes it. */
export type NativeLoss =
  | NativeCrossEntropy
  | NativeBinaryCrossEntropy
  | { readonly kind: 'mse' | 'l1' }
  | { readonly kind: 'huber'; readonly delta?: number | undefined }
export interface NativeCrossEntropy {
  readonly kind: 'crossEntropy'
  readonly weight?: readonly number[] | undefined
  readonly ignoreIndex?: number | undefined
  readonly labelSmoothing?: number | undefined
}
export interface NativeBinaryCrossEntropy {
  readonly kind: 'binaryCrossEntropyWithLogits'
  readonly posWeight?: readonly number[] | undefined
}

/** What networks compute over datasets without learning. */
export interface EvaluationFunctions {
  /** Throws if outputs of this shape, for one sample, cannot be compared with the dataset's targets. */
  lossCheck(
    loss: NativeLoss | undefined,
    outputs: readonly number[],
    dataset: DatasetHandle,
    name: string,
  ): void
  evaluationStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: {
      batchSize: number
      loss?: object | undefined
      activations?: boolean
      autocast?: ComputeOptions['autocast']
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<EvaluationResult>
  predictionStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; autocast?: ComputeOptions['autocast'] },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ readonly logits: TensorHandle; readonly finite: boolean }>
  prefixStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: {
      batchSize: number
      augment?: object | undefined
      seed?: number
      variants?: number
      autocast?: ComputeOptions['autocast']
      /** Stores the outputs in a file in this folder instead of in memory. */
      folder?: string
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<DatasetHandle>
  /** Recomputes batch normalization's running statistics. */
  statisticsStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; dropLast?: boolean; autocast?: ComputeOptions['autocast'] },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<undefined>
}
