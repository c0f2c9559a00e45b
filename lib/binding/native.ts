import type { ComputeOptions, MemoryFormat } from '../base/compute.js'
import type { DType } from '../base/dtype.js'
import type { TorchPruneError } from '../base/errors.js'

/** The typed contract of the addon (native/). Handles are opaque, and every function throws TorchPruneError. */
declare const kind: unique symbol
/** A tensor in the addon. */
export interface TensorHandle {
  readonly [kind]: 'tensor'
}
/** A dataset in the addon. */
export interface DatasetHandle {
  readonly [kind]: 'dataset'
}
/** A list of files in the addon. */
export interface FilesHandle {
  readonly [kind]: 'list of files'
}
/** A queue of batches in the addon. */
export interface BatchQueueHandle {
  readonly [kind]: 'batch queue'
}
/** A network in the addon. */
export interface NetworkHandle {
  readonly [kind]: 'network'
}
/** An optimizer in the addon. */
export interface OptimizerHandle {
  readonly [kind]: 'optimizer'
}
/** A lease in the addon: what a training run owns. */
export interface LeaseHandle {
  readonly [kind]: 'lease'
}

/** An argument of an operator; `undefined` stands for the schema's default. */
export type OperatorArgument =
  | TensorHandle
  | number
  | bigint
  | boolean
  | string
  | undefined
  | readonly (TensorHandle | number | boolean | undefined)[]

/** The progress of a job. `loss` is the mean over `samples`; `correct` counts correct classes or labels. */
export interface JobProgress {
  /** The number of samples, or other items of work, that are done. */
  readonly done: number
  /** The number of items in total. */
  readonly total: number
  /** The mean loss over `samples`; 0 if the work has no loss. */
  readonly loss: number
  /** The number of samples that the loss was computed for. */
  readonly samples: number
  /** The number of classes or labels that were correct. */
  readonly correct: number
}

/**
 * Work on the compute thread. `cancel` lets it finish its current step; if it has not started, the promise resolves to
 * undefined.
 */
export interface NativeJob<Result> {
  readonly promise: Promise<Result | undefined>
  cancel(): void
}

type Autocast = ComputeOptions['autocast']

/** A parameter for an optimizer, with its own settings. */
export interface NativeParameter {
  /** The name of the parameter, unique in its optimizer. */
  readonly name: string
  /** The network that `name` is a parameter of; without it, the parameter is `tensor`. */
  readonly network?: NetworkHandle
  /** The parameter itself, if it belongs to no network. */
  readonly tensor?: TensorHandle
  /** Weight decay, of the kind that the optimizer has. */
  readonly weightDecay?: number
  /** Adds `l1 · sign(w)` to the gradient. */
  readonly l1?: number
  /** Adds `l2 · w` to the gradient. */
  readonly l2?: number
  /**
   * A factor of the learning rate.
   * @default 1
   */
  readonly lrFactor?: number
}

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

/** A layer's weight among those that are spliced together. */
export interface NativeRanked {
  readonly name: string
  /** What magnitudes are divided by. Defaults to 1. */
  readonly scale?: number
}

/** Splicing of weights in groups, each with its own number of weights to keep. */
export interface NativeSplicing {
  readonly groups: readonly (readonly NativeRanked[])[]
  /** How far the two thresholds are from the one that keeps exactly that many weights: it is divided by 1 ± margin. */
  readonly margin: number
  /** The number of weights to keep: one count per group for each step at which masks change. */
  readonly keep: readonly number[]
}

/** How a parameter with a mask is parametrized: a file each in native/parameter/. */
export type NativeParametrization = 'sealed' | 'spliced'

/** A mask of a parameter. Without `keep`, it keeps what the existing mask keeps, or everything if there is none. */
export interface NativeMask {
  readonly name: string
  readonly kind: NativeParametrization | 'none'
  readonly keep?: TensorHandle | undefined
}

/** The number of pruned weights that came back, and of kept weights that were removed. */
export interface SplicingCounts {
  readonly returned: number
  readonly removed: number
}

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

/** The first thing that is NaN or infinite on a batch's way from its samples to its loss. */
export interface BrokenStep extends NonFiniteTensor {
  readonly what: 'sample' | 'target' | 'teacher' | 'tensor' | 'layer' | 'loss'
  /** The sample that it belongs to; -1 if it belongs to none. */
  readonly sample: number
}

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

/**
 * The addon calls this on the main thread, and does not wait for it there: with `('open', pass, queue, seed)`,
 * `('next', pass)` or `('next', pass, images, labels, indices)`, and `('close', pass)`.
 */
export type BatchAsk = (event: 'open' | 'next' | 'close', pass: number, ...more: unknown[]) => void

/** Settings of datasets of images outside memory. */
export interface ImageSettings {
  readonly size: number
  readonly resize: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly threads: number
  readonly ahead: number
  readonly exact: boolean
  /** The number of bytes that decoding one image may take. */
  readonly decodeMemory?: number
}

/** The functions of the addon. */
export interface Native {
  /** Sets the class of errors; called once, before anything else. */
  initialize(errorClass: typeof TorchPruneError): void
  /** Passes the text of each libtorch warning to `listener`; it then does not go to stderr. */
  onWarning(listener: (text: string) => void): void
  /** Warns as libtorch does, first on the main thread and then on the compute thread; used by tests. */
  warn(text: string): NativeJob<void>
  versions(): { libtorch: string; build: string }
  cudaDevices(): number
  synchronize(device: string): void
  setJobThreads(threads: number): void
  jobThreads(): number
  setEagerThreads(threads: number): void

  fromBytes(bytes: ArrayBufferView, dtype: DType, shape: readonly number[], device: string): TensorHandle
  toBytes(tensor: TensorHandle): ArrayBuffer
  /** Copies a range of bytes of a contiguous CPU tensor into an array; `tensorWrite` copies the other way. */
  tensorRead(tensor: TensorHandle, offset: number, bytes: Uint8Array): void
  tensorWrite(tensor: TensorHandle, offset: number, bytes: Uint8Array): void
  item(tensor: TensorHandle): number | boolean
  to(tensor: TensorHandle, device: string | undefined, dtype: DType | undefined): TensorHandle
  tensorDispose(tensor: TensorHandle): void
  tensorDisposed(tensor: TensorHandle): boolean
  tensorDescribe(tensor: TensorHandle): {
    shape: number[]
    dtype: DType
    device: string
    contiguous: boolean
  }
  tensorRequiresGrad(tensor: TensorHandle): boolean
  liveTensors(): { tensors: number; bytes: number }

  operator(name: string, overload: string): (...values: OperatorArgument[]) => unknown
  /** Runs the operator as a job, outside of autograd. */
  operatorStart(name: string, overload: string, ...values: OperatorArgument[]): NativeJob<unknown>

  backward(
    tensor: TensorHandle,
    gradient: TensorHandle | undefined,
    options: { retainGraph?: boolean | undefined; createGraph?: boolean | undefined },
  ): void
  gradient(tensor: TensorHandle): TensorHandle | undefined
  setGradient(tensor: TensorHandle, gradient: TensorHandle | undefined): void
  setRequiresGrad(tensor: TensorHandle, requiresGrad: boolean): void
  registerHook(tensor: TensorHandle, hook: (gradient: TensorHandle) => TensorHandle | undefined): () => void
  setGradEnabled(enabled: boolean): boolean

  manualSeed(seed: number): void
  randomState(): TensorHandle
  setRandomState(state: TensorHandle): void

  datasetMake(
    images: TensorHandle,
    labels: TensorHandle,
    mean: readonly number[],
    std: readonly number[],
  ): DatasetHandle
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
  datasetDispose(dataset: DatasetHandle): void
  datasetSlice(dataset: DatasetHandle, begin: number, end: number): DatasetHandle
  /** Throws if outputs of this shape, for one sample, cannot be compared with the dataset's targets. */
  lossCheck(loss: object | undefined, outputs: readonly number[], dataset: DatasetHandle, name: string): void
  /** The dtype and the shape of one sample's target; the shape is `[]` for a class. */
  datasetTargets(dataset: DatasetHandle): { dtype: DType; shape: number[] }
  /** Throws if its samples cannot be augmented like this. */
  datasetCheckAugmentation(dataset: DatasetHandle, augment: object | undefined): void
  /** Counts NaN and infinite values in its samples or, if those have none, in its targets. */
  datasetNonFinite(dataset: DatasetHandle): NativeJob<NonFinite & { readonly targets: boolean }>
  datasetBatch(
    dataset: DatasetHandle,
    indices: readonly number[],
    device: string,
  ): [TensorHandle, TensorHandle]
  datasetRead(
    dataset: DatasetHandle,
    indices: readonly number[],
    options: { augment?: object | undefined; seed?: number; device: string },
  ): NativeJob<{ images: TensorHandle; labels: TensorHandle; indices: number[] }>
  datasetCheck(
    dataset: DatasetHandle,
    options: { augment?: object | undefined; seed?: number; batchSize: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<void>
  datasetSkipped(dataset: DatasetHandle): [index: number, reason: string][]
  /** Whether JPEG is decoded with libjpeg-turbo; otherwise sharp decodes it. */
  jpegLibrary(): boolean
  /** Sets the function that decodes other formats; it answers through `foreignDecoded`. */
  setForeignDecoder(decode: (id: number, path: Uint8Array, memory: number) => void): void
  foreignDecoded(id: number, pixels: Uint8Array, width: number, height: number, channels: number): void
  foreignDecoded(id: number, reason: string): void
  filesMake(): FilesHandle
  /** Appends files; `paths` are bytes, each path followed by a zero byte. */
  filesAdd(files: FilesHandle, paths: Uint8Array, labels: Int32Array): void
  imageFolderMake(files: FilesHandle, options: ImageSettings): DatasetHandle
  packedMake(
    path: string,
    layout: { index: number; count: number; classes: number },
    options: ImageSettings,
  ): DatasetHandle
  packStart(
    files: FilesHandle,
    options: { out: string; offset: number; resize: number; threads: number; decodeMemory?: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ index: number; end: number; count: number; skipped: [index: number, reason: string][] }>
  /** Decodes files of exactly that size to uint8 `[N, 3, height, width]`. */
  imagesDecode(
    files: FilesHandle,
    options: { width: number; height: number; threads: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ pixels: TensorHandle; skipped: [index: number, reason: string][] }>

  /** Its initial weights are drawn when they are first needed, or by `networkDraw` or `networkDrawStart`. */
  networkMake(layers: readonly object[], seed: number, device: string): NetworkHandle
  networkDraw(network: NetworkHandle): void
  networkDrawStart(network: NetworkHandle): NativeJob<void>
  networkDispose(network: NetworkHandle): void
  networkForward(network: NetworkHandle, input: TensorHandle, training: boolean): TensorHandle
  networkTensors(
    network: NetworkHandle,
  ): { name: string; layer: string; parameter: boolean; shape: number[]; dtype: DType }[]
  networkTensor(network: NetworkHandle, name: string): TensorHandle
  /** A tensor's current contents; they are copied only when either side is written to. The same holds for a mask. */
  networkSnapshot(network: NetworkHandle, name: string): TensorHandle
  networkMask(network: NetworkHandle, name: string): TensorHandle | undefined
  /** Sets values and masks together: either all of them or none. */
  networkPutStart(
    network: NetworkHandle,
    values: readonly { readonly name: string; readonly values: TensorHandle }[],
    masks: readonly NativeMask[],
  ): NativeJob<void>
  /** The parameters that are not plain, by name. */
  networkParametrizations(network: NetworkHandle): Record<string, NativeParametrization>
  networkUnsealedStart(network: NetworkHandle): NativeJob<Record<string, number>>
  networkSetTrainable(network: NetworkHandle, layer: string, trainable: boolean): void
  /** The position of the last layer of the frozen, deterministic part at the front; -1 if there is none. */
  networkFrozenPrefix(network: NetworkHandle): number
  networkSetDropout(network: NetworkHandle, layer: string, p: number): void
  networkReseed(network: NetworkHandle, seed: number): void
  networkRandomState(network: NetworkHandle): TensorHandle
  networkSetRandomState(network: NetworkHandle, state: TensorHandle): void
  networkToStart(network: NetworkHandle, device: string): NativeJob<void>
  networkFormat(network: NetworkHandle): MemoryFormat
  networkFormatStart(network: NetworkHandle, format: MemoryFormat): NativeJob<undefined>

  /** Describes the mask of each weight that has one; equal masks have equal `digest`s. */
  networkMasks(
    network: NetworkHandle,
  ): NativeJob<{ name: string; count: number; kept: number; digest: string }[]>
  networkNonFinite(network: NetworkHandle): NativeJob<NonFiniteTensor[]>
  tensorNonFinite(tensor: TensorHandle): NativeJob<NonFinite>

  optimizerMake(spec: object, parameters: readonly NativeParameter[]): OptimizerHandle
  optimizerDispose(optimizer: OptimizerHandle): void
  optimizerStep(optimizer: OptimizerHandle, lr: number): void
  optimizerZeroGrad(optimizer: OptimizerHandle): void
  optimizerState(
    optimizer: OptimizerHandle,
  ): { name: string; steps: number; moments: Record<string, TensorHandle> }[]
  optimizerLoadStart(
    optimizer: OptimizerHandle,
    states: readonly { name: string; steps: number; moments: Record<string, TensorHandle> }[],
  ): NativeJob<void>

  /** From now on until `leaseEnd`, only the lease's own jobs may write to the objects named here. */
  leaseTake(
    by: string,
    network: NetworkHandle | undefined,
    datasets: readonly DatasetHandle[],
    tensors: readonly TensorHandle[],
  ): LeaseHandle
  /** Resolves when no job reads the network; undefined if none reads it now. */
  leaseWait(lease: LeaseHandle): NativeJob<undefined> | undefined
  leaseEnd(lease: LeaseHandle): void

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
      autocast?: Autocast
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
  evaluationStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; loss?: object | undefined; activations?: boolean; autocast?: Autocast },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<EvaluationResult>
  predictionStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; autocast?: Autocast },
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
      autocast?: Autocast
      /** Stores the outputs in a file in this folder instead of in memory. */
      folder?: string
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<DatasetHandle>
  /** Recomputes batch normalization's running statistics. */
  statisticsStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; dropLast?: boolean; autocast?: Autocast },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<undefined>
  weightStatistics(network: NetworkHandle, names: readonly string[]): NativeJob<NativeStatistics[]>
  /** The smallest magnitude of the `keep` largest. */
  pruneThreshold(network: NetworkHandle, name: string, keep: number): NativeJob<number>
  /** Masks each layer by what is selected. Where kept weights are NaN or infinite, it counts them and prunes nothing. */
  pruneSelect(
    network: NetworkHandle,
    layers: readonly NativeScored[],
    selection: NativeSelection,
  ): NativeJob<Pick<NativeStatistics, 'count' | 'kept' | 'nan' | 'infinite'>[]>
  /** `keep` holds a count for each group. */
  spliceOnce(network: NetworkHandle, options: NativeSplicing): NativeJob<SplicingCounts>
  fisherStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { samples: number; batchSize: number; seed: number; loss?: object | undefined },
    names: readonly string[],
  ): NativeJob<TensorHandle[]>
  /** The norm of each filter, 1 or 2. */
  filterNorms(network: NetworkHandle, names: readonly string[], norm: number): NativeJob<TensorHandle[]>
  connections(
    network: NetworkHandle,
    names: readonly string[],
  ): NativeJob<{ incoming: Uint8Array; outgoing: Uint8Array }[]>
}
