import { type Abortable, abortOptions } from '../base/abort.js'
import { type ComputeOptions, computeOptions } from '../base/compute.js'
import { boolean, callback, seed, whole } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { augmentation } from '../data/augment.js'
import { datasetKind } from '../data/splits.js'
import { averagingKind } from '../optim/averaging.js'
import { regularizationKind } from '../optim/regularization.js'
import { scheduleKind } from '../optim/schedule.js'
import { optimizerKind } from '../optim/spec.js'
import { DEFAULT_LOSS, lossKind } from './losses.js'
import { cacheOptions } from './options/cache.js'
import { checkpointKind } from './options/checkpoint.js'
import { clipKind } from './options/clip_gradients.js'
import { distillationKind, selfDistillationKind } from './options/distillation.js'
import { earlyStoppingKind } from './options/early_stopping.js'
import { type LrScale, lrScaleKind } from './options/lr_scale.js'
import { progressiveResizingKind } from './options/progressive_resizing.js'
import type { TrainProgress } from './progress.js'

export const DEFAULT_BATCH_SIZE = 64

/** What training is, wherever it takes place: in `train()`, in each round of `prune()`, in `splice()`. */
export const settingsOptions = {
  /** Times through the training set. */
  epochs: whole(1),
  /** What changes the weights at each step. */
  optimizer: optimizerKind,
  /**
   * Samples in a step.
   * @default 64
   */
  batchSize: optional(whole(1), DEFAULT_BATCH_SIZE),
  /**
   * Leaves out the last batch of an epoch where it is not full; other samples each time. Batch normalization cannot
   * train on a last batch of one.
   * @default false
   */
  dropLast: optional(boolean, false),
  /**
   * How the learning rate moves.
   * @default constant()
   */
  schedule: optional(scheduleKind),
  /**
   * What pulls weights towards zero.
   * @default none
   */
  regularization: optional(regularizationKind),
  /**
   * What is made small: `losses.mse()` for numbers, `losses.binaryCrossEntropyWithLogits()` for several labels each.
   * @default losses.crossEntropy()
   */
  loss: optional(lossKind, DEFAULT_LOSS),
  /**
   * Batches whose gradients make one step of the optimizer: their mean, as one batch of all their samples would have it.
   * Schedules and averages count these steps.
   * @default 1
   */
  accumulate: optional(whole(1), 1),
  /**
   * Cuts gradients before each step: `norm`, the L2 norm of all together, then `value`, the magnitude of each.
   * @default none
   */
  clipGradients: optional(clipKind),
  /** Factors on the learning rate by layer, such as 0.1 for a layer that is trained already. */
  lrScale: optional(lrScaleKind),
  /** Changes samples at random, anew in each epoch. */
  augment: optional(augmentation),
  /**
   * Ends training when the validation set says that it gets no better. Training ends with the weights of the best epoch,
   * whether it stops early or not.
   */
  earlyStopping: optional(earlyStoppingKind),
  /** Begins with smaller images, which cost less. */
  progressiveResizing: optional(progressiveResizingKind),
  /** Ends with an average of the weights on the way instead of the last ones: `ema()` or `swa()`. */
  averaging: optional(averagingKind),
  ...computeOptions,
  ...cacheOptions,
}

export const trainOptions = {
  ...settingsOptions,
  /** Learns from another network beside the labels; of samples as they are, also where `augment` changes them. */
  distillation: optional(distillationKind),
  /** Read after each epoch; after the last one with the averaged weights, where there are. */
  validation: optional(datasetKind),
  /** Saves where training stands, and goes on from there. */
  checkpoint: optional(checkpointKind),
  /**
   * Seeds the order of samples and dropout.
   * @default the network's own
   */
  seed: optional(seed),
  /** Called now and then within an epoch. */
  onProgress: optional(callback<Listener<TrainProgress>>()),
  ...abortOptions,
}

// What other files declare comes first, for its comments.
export interface TrainOptions<Name extends string = string>
  extends ComputeOptions,
    Abortable,
    Omit<OptionsOf<typeof trainOptions>, 'lrScale'> {
  /** Factors on the learning rate by layer, such as 0.1 for a layer that is trained already. */
  readonly lrScale?: LrScale<Name> | undefined
}

export const retrainOptions = {
  ...settingsOptions,
  /** Its rate is used as it is: a tenth of the dense one for the LeNets, a hundredth for AlexNet (paper, section 4). */
  optimizer: optimizerKind,
  /** The survivors learn from a teacher beside the labels. */
  distillation: optional(selfDistillationKind),
}

/**
 * How survivors are trained, with the options and defaults of `train`: nothing is taken over from an earlier training.
 * The cache serves phases that freeze the layers in front.
 */
export interface RetrainOptions extends ComputeOptions, OptionsOf<typeof retrainOptions> {}
