import { type Abortable, abortOptions } from '../base/abort.js'
import { list } from '../base/collection.js'
import { callback, number, seed as seedKind, whole, words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { deviceKind } from '../tensor/device.js'
import { augmentation } from './augment.js'
import { batchesOptions } from './batches.js'

export const ofChannels = list(number(), 'an array of numbers, one for each channel')

const normalization = {
  /**
   * For each channel of uint8 images, the value to subtract, on the scale 0..1.
   * @default 0
   */
  mean: optional(ofChannels, []),
  /**
   * For each channel of uint8 images, the value to divide by, on the scale 0..1.
   * @default 1
   */
  std: optional(ofChannels, []),
}

export const datasetOptions = {
  ...normalization,
  /**
   * Where a GPU has the samples that it trains on: `'resident'` copies all of them to it once, `'streamed'` copies each
   * batch, and `'auto'` is resident if they take at most a quarter of the GPU's free memory. Batches are the same.
   * @default 'auto'
   */
  residency: optional(words('auto', 'resident', 'streamed'), 'auto'),
}

export const fromBatchesOptions = { ...batchesOptions, ...normalization }

/** Options of `Dataset.fromBatches`. */
export interface FromBatchesOptions extends OptionsOf<typeof fromBatchesOptions> {}

/** Options of `Dataset.from`. */
export interface DatasetOptions extends OptionsOf<typeof datasetOptions> {}

const augmented = {
  /**
   * The augmentation, as in training.
   * @default none: samples are returned as evaluation sees them
   */
  augment: optional(augmentation),
  /**
   * The seed of the augmentation.
   * @default 0
   */
  seed: optional(seedKind, 0),
  ...abortOptions,
}

export const readingOptions = {
  ...augmented,
  /**
   * The device of the returned tensors.
   * @default 'cpu'
   */
  device: optional(deviceKind, 'cpu'),
}

export const checkOptions = {
  ...augmented,
  /**
   * The number of samples that are read at once.
   * @default 64
   */
  batchSize: optional(whole(1), 64),
  /** Called now and then with the number of samples that are done. */
  onProgress: optional(callback<Listener>()),
}

/** Options of `Dataset.read`. */
export interface ReadOptions extends Abortable, OptionsOf<typeof readingOptions> {}

/** Options of `Dataset.check`. */
export interface CheckOptions extends Abortable, OptionsOf<typeof checkOptions> {}
