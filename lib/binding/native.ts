import type { ComputeOptions, MemoryFormat } from '../base/compute.js'
import type { DType } from '../base/dtype.js'
import type { TorchPruneError } from '../base/errors.js'

/** The typed contract of the addon (native/). Handles are opaque; every function throws TorchPruneError. */
declare const kind: unique symbol
export interface TensorHandle {
  readonly [kind]: 'tensor'
}
export interface DatasetHandle {
  readonly [kind]: 'dataset'
}
export interface FilesHandle {
  readonly [kind]: 'list of files'
}
export interface NetworkHandle {
  readonly [kind]: 'network'
}
export interface OptimizerHandle {
  readonly [kind]: 'optimizer'
}
export interface LeaseHandle {
  readonly [kind]: 'lease'
}

/** A value that an operator takes; `undefined` stands for the schema's default. */
export type OperatorArgument =
  | TensorHandle
  | number
  | bigint
  | boolean
  | string
  | undefined
  | readonly (TensorHandle | number | boolean | undefined)[]

/** How far a job has come. `loss` is the mean over `samples`, of which `correct` were classified rightly. */
export interface JobProgress {
  readonly done: number
  readonly total: number
  readonly loss: number
  readonly samples: number
  readonly correct: number
}

/** Work on the compute thread. `cancel` lets it finish its step; where it has not begun, it resolves to undefined. */
export interface NativeJob<Result> {
  readonly promise: Promise<Result | undefined>
  cancel(): void
}

type Autocast = ComputeOptions['autocast']

export interface NativeParameter {
  readonly name: string
  /** The parameter of this network, or `tensor`. */
  readonly network?: NetworkHandle
  readonly tensor?: TensorHandle
  readonly weightDecay?: number
  readonly l1?: number
  readonly l2?: number
  readonly lrFactor?: number
}

/** A layer's weight among those that share a count of kept ones. */
export interface NativeRanked {
  readonly name: string
  /** What magnitudes are divided by. 1 unless given. */
  readonly scale?: number
  /** Ranked in place of magnitudes; of the weight's shape. */
  readonly scores?: TensorHandle
}

/** Layers that keep a number of weights together: exactly that many, where as many are still kept. */
export interface NativeGroup {
  readonly keep: number
  /** Whether `keep` counts whole filters, by their L1 norm, instead of weights. */
  readonly filters?: boolean
  readonly layers: readonly NativeRanked[]
}

/** Splicing of weights in groups, each with one count of kept weights. */
export interface NativeSplicing {
  readonly groups: readonly (readonly NativeRanked[])[]
  readonly margin: number
  /** Weights kept: for each step at which masks change, a count a group. */
  readonly keep: readonly number[]
}

/** A mask of a parameter. Without `keep` it keeps what the mask there does, or all. */
export interface NativeMask {
  readonly name: string
  readonly kind: 'sealed' | 'spliced' | 'none'
  readonly keep?: TensorHandle | undefined
}

/** How many pruned weights have returned, and how many kept ones gone. */
export interface SplicingCounts {
  readonly returned: number
  readonly removed: number
}

/** Values that are NaN or infinite; `first` is -1 where there is none. */
export interface NonFinite {
  readonly nan: number
  readonly infinite: number
  /** The position of the first value, or of its sample in a dataset. */
  readonly first: number
}

/** Values of a named tensor that are NaN or infinite, of `count` in all. */
export interface NonFiniteTensor extends NonFinite {
  readonly name: string
  readonly count: number
}

/** The first thing that is NaN or infinite on the way of a batch from its samples to its loss. */
export interface BrokenStep extends NonFiniteTensor {
  readonly what: 'sample' | 'teacher' | 'tensor' | 'layer' | 'loss'
  /** -1 where it is no sample's. */
  readonly sample: number
}

/** Where a training job stands: the steps that are done, and what came of them. */
export interface TrainingTally {
  readonly steps: number
  readonly samples: number
  /** Over the samples. */
  readonly lossSum: number
  readonly correct: number
}

export interface TrainingResult extends TrainingTally {
  readonly loss: number
  readonly cancelled: boolean
  readonly losses: Float32Array
  /** Of its first step, and of the last one whose loss is a number; NaN where they are not known. */
  readonly firstLoss: number
  readonly lastLoss: number
  /** The largest magnitude in the samples of a step whose loss was past all reason; 0 where there was none. */
  readonly largestSample: number
  /** Why it stopped, where numbers ran out. */
  readonly broken?: BrokenStep
  /** Where masks were spliced. */
  readonly splicing?: SplicingCounts
}

export interface EvaluationResult {
  readonly samples: number
  readonly loss: number
  readonly correct: number
  readonly correct5: number
  readonly cancelled: boolean
  readonly inputDensity: number
  /** Share of non-zero outputs by layer; empty unless asked for. */
  readonly densities: Readonly<Record<string, number>>
}

/** Of datasets of pictures outside memory. */
export interface ImageSettings {
  readonly size: number
  readonly resize: number
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly threads: number
  readonly ahead: number
  readonly exact: boolean
  /** Bytes that decoding one picture may take. */
  readonly decodeMemory?: number
}

export interface Native {
  initialize(errorClass: typeof TorchPruneError): void
  /** Calls `listener` with the text of each warning of libtorch, which then does not go to stderr. */
  onWarning(listener: (text: string) => void): void
  /** Warns as libtorch does, on the main thread and then on the compute thread: for tests. */
  warn(text: string): NativeJob<void>
  versions(): { libtorch: string; build: string }
  cudaDevices(): number
  synchronize(device: string): void
  setJobThreads(threads: number): void
  jobThreads(): number
  setEagerThreads(threads: number): void

  fromBytes(bytes: ArrayBufferView, dtype: DType, shape: readonly number[], device: string): TensorHandle
  toBytes(tensor: TensorHandle): ArrayBuffer
  /** Copies a stretch of the bytes of a contiguous tensor on the CPU into an array; `tensorWrite` the other way. */
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
  /** The same as a job, outside of autograd. */
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
  datasetDispose(dataset: DatasetHandle): void
  datasetSlice(dataset: DatasetHandle, begin: number, end: number): DatasetHandle
  datasetLargestLabel(dataset: DatasetHandle): number
  /** Throws where its samples cannot be changed that way. */
  datasetCheckAugmentation(dataset: DatasetHandle, augment: object | undefined): void
  datasetNonFinite(dataset: DatasetHandle): NativeJob<NonFinite>
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
  /** Whether JPEG is decoded with libjpeg-turbo; sharp decodes it elsewhere. */
  jpegLibrary(): boolean
  /** `decode` answers through `foreignDecoded`. */
  setForeignDecoder(decode: (id: number, path: Uint8Array, memory: number) => void): void
  foreignDecoded(id: number, pixels: Uint8Array, width: number, height: number, channels: number): void
  foreignDecoded(id: number, reason: string): void
  filesMake(): FilesHandle
  /** Adds files at the end; `paths` are bytes, each path with a zero after it. */
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
  /** Files of that very size, as uint8 `[N, 3, height, width]`. */
  imagesDecode(
    files: FilesHandle,
    options: { width: number; height: number; threads: number },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<{ pixels: TensorHandle; skipped: [index: number, reason: string][] }>

  /** Its initial weights are drawn when they are first needed, or by `networkDraw`, `networkDrawStart`. */
  networkMake(layers: readonly object[], seed: number, device: string): NetworkHandle
  networkDraw(network: NetworkHandle): void
  networkDrawStart(network: NetworkHandle): NativeJob<void>
  networkDispose(network: NetworkHandle): void
  networkForward(network: NetworkHandle, input: TensorHandle, training: boolean): TensorHandle
  networkTensors(
    network: NetworkHandle,
  ): { name: string; layer: string; parameter: boolean; shape: number[]; dtype: DType }[]
  networkTensor(network: NetworkHandle, name: string): TensorHandle
  /** What it holds now, copied when one of the two is written to; so is a mask. */
  networkSnapshot(network: NetworkHandle, name: string): TensorHandle
  networkMask(network: NetworkHandle, name: string): TensorHandle | undefined
  /** Values and masks at once, all or nothing. */
  networkPutStart(
    network: NetworkHandle,
    values: readonly { readonly name: string; readonly values: TensorHandle }[],
    masks: readonly NativeMask[],
  ): NativeJob<void>
  networkSpliced(network: NetworkHandle): string[]
  networkUnsealedStart(network: NetworkHandle): NativeJob<Record<string, number>>
  networkSetTrainable(network: NetworkHandle, layer: string, trainable: boolean): void
  /** Position of the last layer of the frozen, deterministic part in front; -1 where there is none. */
  networkFrozenPrefix(network: NetworkHandle): number
  networkSetDropout(network: NetworkHandle, layer: string, p: number): void
  networkReseed(network: NetworkHandle, seed: number): void
  networkRandomState(network: NetworkHandle): TensorHandle
  networkSetRandomState(network: NetworkHandle, state: TensorHandle): void
  networkToStart(network: NetworkHandle, device: string): NativeJob<void>
  networkFormat(network: NetworkHandle): MemoryFormat
  networkFormatStart(network: NetworkHandle, format: MemoryFormat): NativeJob<undefined>

  /** Of each weight that has a mask; `digest` tells masks apart. */
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

  /** From now on, nobody but its own jobs writes to what is named, until `leaseEnd`. */
  leaseTake(
    by: string,
    network: NetworkHandle | undefined,
    datasets: readonly DatasetHandle[],
    tensors: readonly TensorHandle[],
  ): LeaseHandle
  /** Resolves when no job reads the network; undefined where none does now. */
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
      /** Leaves out a last batch that is not full. */
      dropLast?: boolean
      rates: readonly number[] | Float64Array
      keepLosses?: boolean
      autocast?: Autocast
      /** As nativeAugmentation() gives it. */
      augment?: object | undefined
      /** `[height, width]`: images are made this large. */
      size?: readonly [number, number] | undefined
      /** The dataset holds what this layer puts out, from `prefixStart`. */
      after?: number
      labelSmoothing?: number
      teacher?: TensorHandle | undefined
      teacherWeight?: number
      temperature?: number
      splicing?: NativeSplicing & { readonly steps: readonly number[] }
      /** By parameter: moves towards it after each step, by the step's share of the way. */
      averages?: Readonly<Record<string, TensorHandle>>
      averageWeights?: Float64Array
      /** Where an earlier job over the same stopped. */
      from?: TrainingTally | undefined
      /** Seconds after which it stops behind a step, having done one at least. */
      pauseAfter?: number | undefined
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<TrainingResult>
  evaluationStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; activations?: boolean; autocast?: Autocast },
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
      /** Keeps the outputs in a file there instead of in memory. */
      folder?: string
    },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<DatasetHandle>
  /** Computes batch normalisation's running statistics again. */
  statisticsStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { batchSize: number; dropLast?: boolean; autocast?: Autocast },
    onProgress?: (progress: JobProgress) => void,
  ): NativeJob<undefined>
  /** `zeros`, `nan` and `infinite` count kept weights. */
  weightStatistics(
    network: NetworkHandle,
    names: readonly string[],
  ): NativeJob<
    {
      count: number
      kept: number
      zeros: number
      nan: number
      infinite: number
      deviation: number
      survivorDeviation: number
    }[]
  >
  /** The smallest magnitude of the `keep` largest. */
  pruneThreshold(network: NetworkHandle, name: string, keep: number): NativeJob<number>
  /** Keeps magnitudes at or over the threshold, of what is still kept. */
  pruneBelow(
    network: NetworkHandle,
    layers: readonly { readonly name: string; readonly threshold: number }[],
  ): NativeJob<{ count: number; kept: number }[]>
  /** One result for each layer of each group, in their order. */
  pruneKeep(
    network: NetworkHandle,
    groups: readonly NativeGroup[],
  ): NativeJob<{ count: number; kept: number }[]>
  /** `keep` holds a count for each group. */
  spliceOnce(network: NetworkHandle, options: NativeSplicing): NativeJob<SplicingCounts>
  fisherStart(
    network: NetworkHandle,
    dataset: DatasetHandle,
    options: { samples: number; batchSize: number; seed: number },
    names: readonly string[],
  ): NativeJob<TensorHandle[]>
  connections(
    network: NetworkHandle,
    names: readonly string[],
  ): NativeJob<{ incoming: Uint8Array; outgoing: Uint8Array }[]>
}
