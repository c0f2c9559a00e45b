import { type Abortable, abortOptions } from '../base/abort.js'
import { type ComputeOptions, computeOptions } from '../base/compute.js'
import { boolean, callback, seed, whole, words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { augmentation } from '../data/augment.js'
import { datasetKind } from '../data/splits.js'
import { processGroupKind } from '../distributed/process_group.js'
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

/** Settings of training wherever it takes place: in `train()`, in each round of `prune()`, in `splice()`. */
export const settingsOptions = {
  /** The number of passes through the training set. */
  epochs: whole(1),
  /** The optimizer, which changes the weights at each step. */
  optimizer: optimizerKind,
  /**
   * The number of samples per step.
   * @default 64
   */
  batchSize: optional(whole(1), DEFAULT_BATCH_SIZE),
  /**
   * Whether to leave out the last batch of an epoch if it is not full; other samples are left out each time. Batch
   * normalization cannot train on a last batch of one sample.
   * @default false
   */
  dropLast: optional(boolean, false),
  /**
   * How the learning rate changes from step to step.
   * @default constant()
   */
  schedule: optional(scheduleKind),
  /**
   * A penalty that pulls weights toward zero.
   * @default none
   */
  regularization: optional(regularizationKind),
  /**
   * The loss that is minimized: for example, `losses.mse()` for numbers, and `losses.binaryCrossEntropyWithLogits()`
   * for several labels per sample.
   * @default losses.crossEntropy()
   */
  loss: optional(lossKind, DEFAULT_LOSS),
  /**
   * The number of batches per step of the optimizer, which takes the mean of their gradients, as one batch of all their
   * samples would have it. Schedules and averages count these steps.
   * @default 1
   */
  accumulate: optional(whole(1), 1),
  /**
   * Whether batch normalization goes over the samples that all processes of a `group` have of a batch, instead of each
   * process's own, as PyTorch's `SyncBatchNorm` does. It costs two exchanges a layer and step.
   * @default false
   */
  syncBatchNorm: optional(boolean, false),
  /**
   * Clips gradients before each step: first by `norm`, the L2 norm of all of them together, then by `value`, the
   * magnitude of each.
   * @default gradients are not clipped
   */
  clipGradients: optional(clipKind),
  /** Factors of the learning rate, by layer: for example, 0.1 for a layer that is already trained. */
  lrScale: optional(lrScaleKind),
  /** Random changes to samples, which are different in each epoch. */
  augment: optional(augmentation),
  /**
   * Ends training when results on the validation set stop improving. Training ends with the weights of the best epoch,
   * whether it stops early or not.
   */
  earlyStopping: optional(earlyStoppingKind),
  /** Trains on smaller images first, which take less time. */
  progressiveResizing: optional(progressiveResizingKind),
  /**
   * Ends training with an average of the weights of many steps, instead of those of the last step: `ema()` or `swa()`.
   */
  averaging: optional(averagingKind),
  /**
   * Whether steps on a GPU are captured as one CUDA graph once their shapes stand still, which saves the time that
   * launching each operator takes. What cannot be captured runs one operator at a time, with the same results.
   * @default true
   */
  capture: optional(boolean, true),
  /**
   * Whether pruned linear layers are trained with their kept weights alone: `'auto'` measures which layers are faster
   * so, `'on'` takes all that can, `'off'` none. The results differ by rounding: with `'auto'`, which layers it takes
   * may differ from one training to the next. Only float32 on the CPU can, without `autocast`, `averaging`, `group` and
   * masks that change.
   * @default 'off'
   */
  sparse: optional(words('off', 'on', 'auto'), 'off'),
  ...computeOptions,
  ...cacheOptions,
}

export const trainOptions = {
  ...settingsOptions,
  /** Learns from another network as well as from the labels. The teacher sees samples as they are, before `augment`. */
  distillation: optional(distillationKind),
  /** A dataset to evaluate on after each epoch; with `averaging`, the averaged weights are used after the last one. */
  validation: optional(datasetKind),
  /** Saves the state of training, and continues from it. */
  checkpoint: optional(checkpointKind),
  /**
   * The seed of the order of samples and of dropout.
   * @default the network's seed
   */
  seed: optional(seed),
  /**
   * The processes that train together, as `processGroup()` returns them. `batchSize` is that of all of them, and each
   * computes its part of every batch. Batch normalization normalizes a part by its own samples, unless
   * `syncBatchNorm` is set.
   * @default this process trains on its own
   */
  group: optional(processGroupKind),
  /** Called now and then during an epoch. */
  onProgress: optional(callback<Listener<TrainProgress>>()),
  ...abortOptions,
}

// What other files declare comes first, for its comments.
export interface TrainOptions<Name extends string = string>
  extends ComputeOptions,
    Abortable,
    Omit<OptionsOf<typeof trainOptions>, 'lrScale'> {
  /** Factors of the learning rate, by layer: for example, 0.1 for a layer that is already trained. */
  readonly lrScale?: LrScale<Name> | undefined
}

export const retrainOptions = {
  ...settingsOptions,
  /**
   * Its learning rate is used as it is. The paper takes a tenth of the dense rate for LeNets, a hundredth for AlexNet.
   */
  optimizer: optimizerKind,
  /** The surviving weights learn from a teacher as well as from the labels. */
  distillation: optional(selfDistillationKind),
}

/**
 * How the surviving weights are trained. Options and defaults are those of `train`; nothing carries over from an
 * earlier training. The cache is for phases that freeze the layers in front.
 */
export interface RetrainOptions extends ComputeOptions, OptionsOf<typeof retrainOptions> {}
