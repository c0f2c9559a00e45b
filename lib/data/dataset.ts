import { list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { callback, whole } from '../base/kind.js'
import { refuseRead } from '../base/lease.js'
import { readOptions } from '../base/option.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { DatasetHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { tensorKind } from '../tensor/core.js'
import { type Device, deviceKind } from '../tensor/device.js'
import { Tensor } from '../tensor/tensor.js'
import { nativeAugmentation } from './augment.js'
import {
  type Batch,
  BatchMaker,
  type BatchSource,
  explained,
  type MapOptions,
  type MappedBatch,
  mapOptions,
  sourceKind,
} from './batches.js'
import {
  type CheckOptions,
  checkOptions,
  type DatasetOptions,
  datasetOptions,
  type FromBatchesOptions,
  fromBatchesOptions,
  type ReadOptions,
  readingOptions,
} from './dataset_options.js'

const indicesKind = list(whole(), 'an array of indices')

/** Samples that were read. Those that could not be read are missing. */
export interface Samples extends Disposable {
  /** Normalized images, float32 `[n, C, ...]`. */
  readonly images: Tensor
  /** Labels: int64 `[n]` of classes, or targets `[n, …]`, int64 if they are whole numbers and float32 otherwise. */
  readonly labels: Tensor
  /** The index of each sample in the dataset. */
  readonly indices: readonly number[]
}

/** A sample that could not be read, and is left out of batches. */
export interface SkippedSample {
  /** The index of the sample in the dataset. */
  readonly index: number
  /** Which file it is, and what is wrong with it. */
  readonly reason: string
}

const mappingKind = callback<(batch: MappedBatch) => Batch | Promise<Batch>>()

const CLONING = uncloneable('a dataset stays in its thread (open its files there)')

/**
 * Labeled samples: in memory, read as they are needed, or made by your own functions. A dataset is immutable. Batches
 * are gathered and normalized natively, off the event loop. In memory, images are `uint8 [N, C, H, W]` with `mean` and
 * `std`, or `[N, C, ...]` of another dtype, which networks see as float32. Labels are whole numbers `[N]` for classes,
 * or targets of any shape and dtype, `[N, ...]`.
 */
export class Dataset {
  /** @internal */
  readonly cloning = CLONING
  /** @internal */
  readonly handle: DatasetHandle
  /** The number of samples; NaN if you make the batches yourself. */
  readonly length: number
  /** The shape of one sample. */
  readonly sampleShape: readonly number[]

  /** @internal */
  readonly maker: BatchMaker | undefined
  /** The number of batches in a pass, if they are made one after the other and their number is known. @internal */
  readonly batches: number | undefined

  /** @internal */
  constructor(
    handle: DatasetHandle,
    length: number,
    sampleShape: readonly number[],
    maker: BatchMaker | undefined = undefined,
    batches: number | undefined = undefined,
  ) {
    this.handle = handle
    this.batches = batches
    this.maker = maker
    this.length = length
    this.sampleShape = sampleShape
  }

  /**
   * Makes a dataset from tensors, which it copies or shares but never changes.
   *
   * @throws TorchPruneError `ERR_SHAPE` or `ERR_DTYPE` for images and labels that do not match each other.
   */
  static from(images: Tensor, labels: Tensor, options: DatasetOptions = {}): Dataset {
    tensorKind.read(images, 'Dataset.from: images')
    tensorKind.read(labels, 'Dataset.from: labels')
    const { mean, std, residency } = readOptions('Dataset.from', datasetOptions, options)
    const handle = loadAddon().datasetMake(images.handle, labels.handle, mean, std, residency)
    return new Dataset(handle, images.shape[0]!, images.shape.slice(1))
  }

  /**
   * Makes a dataset of batches that you make yourself, for data that is not available as tensors. Training uses each
   * batch for one step, as it is: the source decides on the batch size and on the order of samples. `source` is
   * iterated once for each epoch and each evaluation, on the main thread, and batches are requested `ahead` of when
   * they are needed; while training waits for it, other jobs run. The source owns the tensors that it makes: `using` in
   * a generator disposes of them when the next batch is requested.
   *
   * @throws TorchPruneError later, from the job that reads it, if the source throws (its error is the `cause`), or if
   * its batches do not have the shapes and dtypes that `options` states.
   */
  static fromBatches(source: BatchSource, options: FromBatchesOptions): Dataset {
    const maker = BatchMaker.of(sourceKind.read(source, 'Dataset.fromBatches: source'))
    const read = readOptions('Dataset.fromBatches', fromBatchesOptions, options)
    const { sampleShape, targetShape = [], targetDtype = 'int64' } = read
    const native = { ...read, targetShape, targetDtype }
    return new Dataset(
      loadAddon().batchesMake(maker.ask, undefined, native),
      Number.NaN,
      sampleShape,
      maker,
      read.batches,
    )
  }

  /**
   * Makes a dataset of the same samples, with each batch changed by your own function, which may be async. It is called
   * on the main thread, with batches as training would see them (augmented, normalized), `ahead` of when they are
   * needed, and must return the same number of samples. The tensors that it gets and those that it returns are disposed
   * of.
   *
   * @throws TorchPruneError later, from the job that reads it, if the function throws (its error is the `cause`), or if
   * it returns other shapes or dtypes than `options` states.
   */
  map(fn: (batch: MappedBatch) => Batch | Promise<Batch>, options: MapOptions = {}): Dataset {
    const maker = BatchMaker.mapping(mappingKind.read(fn, 'Dataset.map: fn'))
    const { ahead, ...read } = readOptions('Dataset.map', mapOptions, options)
    const own = loadAddon().datasetTargets(this.handle)
    const { sampleShape = this.sampleShape, targetShape = own.shape, targetDtype = own.dtype } = read
    const native = { sampleShape, targetShape, targetDtype, ahead, mean: [], std: [] }
    const handle = loadAddon().batchesMake(maker.ask, this.handle, native)
    // Failures of the original dataset are explained by its own maker.
    return new Dataset(handle, this.length, sampleShape, maker.after(this.maker), this.batches)
  }

  /** The shape of one sample's label: `[]` for a class. */
  get targetShape(): readonly number[] {
    return loadAddon().datasetTargets(this.handle).shape
  }

  /** Returns samples `begin` up to but not including `end`. They share memory with this dataset. */
  slice(begin: number, end = this.length): Dataset {
    whole().read(begin, 'Dataset.slice: begin')
    whole().read(end, 'Dataset.slice: end')
    const handle = loadAddon().datasetSlice(this.handle, begin, end)
    return new Dataset(handle, end - begin, this.sampleShape, this.maker, this.batches)
  }

  /**
   * Splits off the last `count` samples, which training may not see and on which choices are made. Throws
   * `ERR_ARGUMENT` unless both parts have a sample.
   */
  split(count: number): { readonly train: Dataset; readonly validation: Dataset } {
    whole().read(count, 'Dataset.split: count')
    if (count < 1 || !(count < this.length)) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `a validation part of ${count} of ${this.length} samples: use 1 to ${this.length - 1}`,
      )
    }
    const at = this.length - count
    return { train: this.slice(0, at), validation: this.slice(at) }
  }

  /**
   * Returns samples in memory by index, for custom loops: `images` float32 `[n, C, ...]`, `labels` int64 `[n]`.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` if images would have to be decoded first, which `read()` does.
   */
  batch(indices: readonly number[], device: Device = 'cpu'): { images: Tensor; labels: Tensor } {
    const [images, labels] = loadAddon().datasetBatch(
      this.handle,
      indicesKind.read(indices, 'Dataset.batch: indices'),
      deviceKind.read(device, 'Dataset.batch: device'),
    )
    return { images: Tensor.wrap(images), labels: Tensor.wrap(labels) }
  }

  /**
   * Reads samples by index, off the event loop, as training or evaluation sees them. The same call gives bit-identical
   * samples.
   *
   * @throws TorchPruneError `ERR_FILE` when none of them can be read.
   */
  async read(indices: readonly number[], options: ReadOptions = {}): Promise<Samples> {
    const chosen = indicesKind.read(indices, 'Dataset.read: indices')
    const { augment, seed, device, signal } = readOptions('Dataset.read', readingOptions, options)
    const native = { augment: nativeAugmentation(augment), seed, device }
    const found = await explained(this.maker, () =>
      runJob(() => loadAddon().datasetRead(this.handle, chosen, native), signal),
    )
    const images = Tensor.wrap(found.images)
    const labels = Tensor.wrap(found.labels)
    const dispose = () => {
      images.dispose()
      labels.dispose()
    }
    return { images, labels, indices: found.indices, [Symbol.dispose]: dispose }
  }

  /**
   * Reads every sample once and keeps none, so that unreadable ones show before a long run begins. Returns `skipped`.
   */
  async check(options: CheckOptions = {}): Promise<readonly SkippedSample[]> {
    const { augment, seed, batchSize, signal, onProgress } = readOptions(
      'Dataset.check',
      checkOptions,
      options,
    )
    const native = { augment: nativeAugmentation(augment), seed, batchSize }
    await explained(this.maker, () =>
      runJob((report) => loadAddon().datasetCheck(this.handle, native, report), signal, onProgress),
    )
    return this.skipped
  }

  /** The samples that could not be read so far; the list grows as the dataset is used. */
  get skipped(): readonly SkippedSample[] {
    return loadAddon()
      .datasetSkipped(this.handle)
      .map(([index, reason]) => ({ index, reason }))
  }

  /** Frees its memory. @throws TorchPruneError `ERR_BUSY` while training reads it. */
  dispose(): void {
    refuseRead(this)
    loadAddon().datasetDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
