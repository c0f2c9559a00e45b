import { type Abortable, abortOptions } from '../base/abort.js'
import { isObject, list } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { callback, type Kind, number, seed as seedKind, whole, wrongValue } from '../base/kind.js'
import { refuseRead } from '../base/lease.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { DatasetHandle } from '../binding/native.js'
import { type Listener, runJob } from '../binding/native_job.js'
import { tensorKind } from '../tensor/core.js'
import { type Device, deviceKind } from '../tensor/device.js'
import { Tensor } from '../tensor/tensor.js'
import { augmentation, nativeAugmentation } from './augment.js'

const indicesKind = list(whole(), 'an array of indices')
const ofChannels = list(number(), 'an array of numbers, one for each channel')

const datasetOptions = {
  /**
   * Of each channel of uint8 images, in 0..1: what is subtracted.
   * @default 0
   */
  mean: optional(ofChannels, []),
  /**
   * Of each channel of uint8 images, in 0..1: what divides.
   * @default 1
   */
  std: optional(ofChannels, []),
}

export interface DatasetOptions extends OptionsOf<typeof datasetOptions> {}

/** A training set with the part of it that choices are made on, and the test set that is read at the end. */
export interface DataSplits {
  readonly train: Dataset
  readonly validation: Dataset
  readonly test: Dataset
}

const augmented = {
  /**
   * Changes samples as training does.
   * @default none: samples come as evaluation sees them
   */
  augment: optional(augmentation),
  /**
   * Seeds the augmentation.
   * @default 0
   */
  seed: optional(seedKind, 0),
  ...abortOptions,
}

const readingOptions = {
  ...augmented,
  /** @default 'cpu' */
  device: optional(deviceKind, 'cpu'),
}

const checkOptions = {
  ...augmented,
  /** @default 64 */
  batchSize: optional(whole(1), 64),
  /** Told of how many samples are done, now and then. */
  onProgress: optional(callback<Listener>()),
}

export interface ReadOptions extends Abortable, OptionsOf<typeof readingOptions> {}

export interface CheckOptions extends Abortable, OptionsOf<typeof checkOptions> {}

/** Samples that were read. Those that could not be are missing in it. */
export interface Samples extends Disposable {
  /** float32 `[n, C, ...]`, normalised. */
  readonly images: Tensor
  /** int64 `[n]`. */
  readonly labels: Tensor
  readonly indices: readonly number[]
}

/** A sample that could not be read, and is left out of batches. */
export interface SkippedSample {
  readonly index: number
  /** Which file, and what is wrong with it. */
  readonly reason: string
}

const CLONING = uncloneable('a dataset stays in its thread (open its files there)')

/**
 * Labelled samples, immutable: in memory, or read as they are needed. Batches are gathered and normalised natively,
 * off the event loop. In memory, images are `uint8 [N, C, H, W]` with `mean` and `std`, or `float32 [N, C, ...]` that come normalised; labels
 * are `int64 [N]`.
 */
export class Dataset {
  /** @internal */
  readonly cloning = CLONING
  /** @internal */
  readonly handle: DatasetHandle
  readonly length: number
  /** The shape of one sample. */
  readonly sampleShape: readonly number[]

  /** @internal */
  constructor(handle: DatasetHandle, length: number, sampleShape: readonly number[]) {
    this.handle = handle
    this.length = length
    this.sampleShape = sampleShape
  }

  /**
   * A dataset of tensors, which it copies or shares but never changes.
   *
   * @throws TorchPruneError `ERR_SHAPE` or `ERR_DTYPE` for images and labels that do not fit each other.
   */
  static from(images: Tensor, labels: Tensor, options: DatasetOptions = {}): Dataset {
    tensorKind.read(images, 'Dataset.from: images')
    tensorKind.read(labels, 'Dataset.from: labels')
    const { mean, std } = readOptions('Dataset.from', datasetOptions, options)
    const handle = loadAddon().datasetMake(images.handle, labels.handle, mean, std)
    return new Dataset(handle, images.shape[0]!, images.shape.slice(1))
  }

  /** Samples `begin` to `end` (not included), sharing memory. */
  slice(begin: number, end = this.length): Dataset {
    whole().read(begin, 'Dataset.slice: begin')
    whole().read(end, 'Dataset.slice: end')
    const handle = loadAddon().datasetSlice(this.handle, begin, end)
    return new Dataset(handle, end - begin, this.sampleShape)
  }

  /** Cuts off the last `count` samples: what training may not see, and choices are made on. */
  split(count: number): { readonly train: Dataset; readonly validation: Dataset } {
    whole().read(count, 'Dataset.split: count')
    if (count < 1 || count >= this.length) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `a validation part of ${count} of ${this.length} samples: use 1 to ${this.length - 1}`,
      )
    }
    const at = this.length - count
    return { train: this.slice(0, at), validation: this.slice(at) }
  }

  /**
   * Samples in memory by index, for loops of one's own: `images` float32 `[n, C, ...]`, `labels` int64 `[n]`.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` where images would have to be decoded first: `read()` does that.
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
   * Samples by index, off the event loop, as training or evaluation sees them. Repeats bit for bit.
   *
   * @throws TorchPruneError `ERR_FILE` when none of them can be read.
   */
  async read(indices: readonly number[], options: ReadOptions = {}): Promise<Samples> {
    const chosen = indicesKind.read(indices, 'Dataset.read: indices')
    const { augment, seed, device, signal } = readOptions('Dataset.read', readingOptions, options)
    const native = { augment: nativeAugmentation(augment), seed, device }
    const found = await runJob(() => loadAddon().datasetRead(this.handle, chosen, native), signal)
    const images = Tensor.wrap(found.images)
    const labels = Tensor.wrap(found.labels)
    const dispose = () => {
      images.dispose()
      labels.dispose()
    }
    return { images, labels, indices: found.indices, [Symbol.dispose]: dispose }
  }

  /**
   * Reads every sample once and keeps none: what cannot be read shows before a run of days begins. Returns `skipped`.
   */
  async check(options: CheckOptions = {}): Promise<readonly SkippedSample[]> {
    const { augment, seed, batchSize, signal, onProgress } = readOptions(
      'Dataset.check',
      checkOptions,
      options,
    )
    const native = { augment: nativeAugmentation(augment), seed, batchSize }
    await runJob((report) => loadAddon().datasetCheck(this.handle, native, report), signal, onProgress)
    return this.skipped
  }

  /** Samples that could not be read so far: grows as the dataset is used. */
  get skipped(): readonly SkippedSample[] {
    return loadAddon()
      .datasetSkipped(this.handle)
      .map(([index, reason]) => ({ index, reason }))
  }

  /** @throws TorchPruneError `ERR_BUSY` while a training reads it. */
  dispose(): void {
    refuseRead(this)
    loadAddon().datasetDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** A dataset as an argument or an option; the parts of one are a mistake that is easily made. */
export const datasetKind: Kind<Dataset> = {
  expected: 'a Dataset',
  fits: (value) => value instanceof Dataset,
  read(value, name) {
    if (value instanceof Dataset) return value
    if (isObject(value) && value.train instanceof Dataset) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${name} must be a Dataset, got the parts of one: give one of them, such as its train`,
      )
    }
    throw wrongValue(name, 'a Dataset, such as Dataset.from(images, labels)', value)
  },
}

/** The parts of a data set that work is done on, as an argument; others may be there. */
export function splitsKind<const Part extends keyof DataSplits>(
  ...parts: readonly Part[]
): Kind<Pick<DataSplits, Part>> {
  const expected = `the parts of a data set, { ${parts.join(', ')} }`
  return {
    expected,
    fits: isObject,
    read(value, name) {
      if (value instanceof Dataset) {
        const fix = `${wrongValue(name, expected, value).message}: dataset.split(1000) cuts a validation part off`
        throw new TorchPruneError('ERR_ARGUMENT', fix)
      }
      if (!isObject(value)) throw wrongValue(name, expected, value)
      const read = parts.map((part) => [part, datasetKind.read(value[part], `${name}.${part}`)])
      return Object.fromEntries(read) as Pick<DataSplits, Part>
    },
  }
}
