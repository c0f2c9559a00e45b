import { loadAddon } from '../binding/addon.js'
import type { DatasetHandle } from '../binding/native.js'
import { TorchPruneError } from '../errors.js'
import { Tensor } from '../tensor/tensor.js'

export interface DatasetOptions {
  /** Of each channel of uint8 images, in 0..1: what is subtracted, and what divides. */
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
}

/** A training set with the part of it that choices are made on, and the test set that is read at the end. */
export interface DataSplits {
  readonly train: Dataset
  readonly validation: Dataset
  readonly test: Dataset
}

/**
 * Labelled samples in memory, immutable. Batches are gathered and normalised natively, on the compute thread.
 * Images are `uint8 [N, C, H, W]` with `mean` and `std`, or `float32 [N, C, ...]` that come normalised; labels
 * are `int64 [N]`.
 */
export class Dataset {
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
    const { mean = [], std = [] } = options
    const handle = loadAddon().datasetMake(images.handle, labels.handle, mean, std)
    return new Dataset(handle, images.shape[0]!, images.shape.slice(1))
  }

  /** Samples `begin` to `end` (not included), sharing memory. */
  slice(begin: number, end = this.length): Dataset {
    const handle = loadAddon().datasetSlice(this.handle, begin, end)
    return new Dataset(handle, end - begin, this.sampleShape)
  }

  /** Cuts off the last `count` samples: what training may not see, and choices are made on. */
  split(count: number): { readonly train: Dataset; readonly validation: Dataset } {
    if (!Number.isInteger(count) || count < 1 || count >= this.length) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `a validation part of ${count} of ${this.length} samples: use 1 to ${this.length - 1}`,
      )
    }
    const at = this.length - count
    return { train: this.slice(0, at), validation: this.slice(at) }
  }

  /** Samples by index, for loops of one's own: `images` float32 `[n, C, ...]`, `labels` int64 `[n]`. */
  batch(indices: readonly number[], device = 'cpu'): { images: Tensor; labels: Tensor } {
    const [images, labels] = loadAddon().datasetBatch(this.handle, indices, device)
    return { images: Tensor.wrap(images), labels: Tensor.wrap(labels) }
  }

  dispose(): void {
    loadAddon().datasetDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
