import type { DType } from '../../base/dtype.js'
import type { BatchQueueHandle, DatasetHandle, TensorHandle } from './handles.js'
import type { JobProgress, NativeJob } from './job.js'
import type { NonFinite } from './non_finite.js'

/**
 * The addon calls this on the main thread, and does not wait for it there: with `('open', pass, queue, seed)`,
 * `('next', pass)` or `('next', pass, images, labels, indices)`, and `('close', pass)`.
 */
export type BatchAsk = (event: 'open' | 'next' | 'close', pass: number, ...more: unknown[]) => void

/** Random changes to samples, with their defaults filled in. */
export interface NativeAugmentation {
  readonly crop?: { readonly padding?: number }
  readonly resizedCrop?: {
    readonly scale: readonly [number, number]
    readonly ratio: readonly [number, number]
  }
  readonly flip?: boolean
  readonly cutout?: number
}

/** Datasets: in memory, or made of batches that JavaScript hands over. */
export interface DataFunctions {
  datasetMake(
    images: TensorHandle,
    labels: TensorHandle,
    mean: readonly number[],
    std: readonly number[],
    residency: 'auto' | 'resident' | 'streamed',
  ): DatasetHandle
  datasetSlice(dataset: DatasetHandle, begin: number, end: number): DatasetHandle
  datasetDispose(dataset: DatasetHandle): void
  /** The dtype and the shape of one sample's target; the shape is `[]` for a class. */
  datasetTargets(dataset: DatasetHandle): { dtype: DType; shape: number[] }

  datasetBatch(
    dataset: DatasetHandle,
    indices: readonly number[],
    device: string,
  ): [TensorHandle, TensorHandle]
  datasetRead(
    dataset: DatasetHandle,
    indices: readonly number[],
    options: {
      augment?: NativeAugmentation | undefined
      seed?: number
      device: string
      /** Whether batches for the CPU are made like those for a GPU, which tests compare. */
      onTensors?: boolean
      /** The number of samples that are read at once; all of them if it is left out. */
      batchSize?: number
    },
  ): NativeJob<{ images: TensorHandle; labels: TensorHandle; indices: number[] }>
  datasetCheck(
    dataset: DatasetHandle,
    options: { augment?: NativeAugmentation | undefined; seed?: number; batchSize: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<void>
  datasetSkipped(dataset: DatasetHandle): [index: number, reason: string][]
  /** Counts NaN and infinite values in its samples or, if those have none, in its targets. */
  datasetNonFinite(dataset: DatasetHandle): NativeJob<NonFinite & { readonly targets: boolean }>
  /** Throws if its samples cannot be augmented like this. */
  datasetCheckAugmentation(dataset: DatasetHandle, augment: NativeAugmentation | undefined): void

  /** Makes a dataset of the batches that `ask` makes, from those of the dataset `of` if it is given. */
  batchesMake(
    ask: BatchAsk,
    of: DatasetHandle | undefined,
    options: {
      sampleShape: readonly number[]
      targetShape: readonly number[]
      targetDtype: DType
      mean: readonly number[]
      std: readonly number[]
      ahead: number
      batches?: number | undefined
    },
  ): DatasetHandle
  /** Adds a batch to a queue. */
  batchesPut(queue: BatchQueueHandle, images: TensorHandle, labels: TensorHandle): void
  /** Announces that there are no more batches; `why` is the reason if making one failed. */
  batchesEnd(queue: BatchQueueHandle, why?: string): void
}
