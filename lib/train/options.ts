import { type Abortable, abortOptions } from '../base/abort.js'
import { record } from '../base/collection.js'
import { type ComputeOptions, computeOptions } from '../base/compute.js'
import type { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, callback, type Kind, number, path, seed, whole, words } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { augmentation } from '../data/augment.js'
import { datasetKind } from '../data/dataset.js'
import { networkKind } from '../nn/network.js'
import { averagingKind } from '../optim/averaging.js'
import { regularizationKind } from '../optim/regularization.js'
import { scheduleKind } from '../optim/schedule.js'
import { LARGEST_RATE, optimizerKind } from '../optim/spec.js'
import { tensorKind } from '../tensor/core.js'
import { DEFAULT_LOSS, type Loss, lossKind } from './losses.js'
import type { TrainPosition, TrainProgress } from './progress.js'

const share = number({ least: 0, most: 1 })

export const DEFAULT_BATCH_SIZE = 64
export const DEFAULT_EVALUATION_BATCH = 250
export const DEFAULT_WEIGHT = 0.7
export const DEFAULT_TEMPERATURE = 4

export const cacheOptions = {
  /**
   * Computes once what the frozen layers in front put out for each sample, and trains the rest on that: samples times
   * the size of the last frozen layer's output, in float32.
   * @default false
   */
  cachePrefix: optional(boolean, false),
  /**
   * With `cachePrefix` and `augment`: how many augmented variants of each sample the cache holds. Each epoch takes
   * one of them by chance. Needed there, for a cache of one would freeze the augmentation unnoticed.
   */
  cacheVariants: optional(whole(1)),
  /**
   * Bytes up to which the cache is held in memory, and not in a file.
   * @default half of what is free
   */
  cacheMemory: optional(number({ least: 0, most: Number.POSITIVE_INFINITY })),
  /**
   * The folder of that file, which has no name and goes with the training.
   * @default the system's temporary one
   */
  cacheDir: optional(path),
}

export interface CacheOptions extends OptionsOf<typeof cacheOptions> {}

export const progressiveOptions = {
  /**
   * Share of each side at the start.
   * @default 0.5
   */
  initialScale: optional(share, 0.5),
  /**
   * Share of the epochs that stay at it.
   * @default 0.5
   */
  delayFraction: optional(share, 0.5),
  /**
   * Share of the epochs, the last ones, at the full size.
   * @default 0.2
   */
  finetuneFraction: optional(share, 0.2),
  /**
   * Sides are multiples of so many pixels.
   * @default 4
   */
  sizeIncrement: optional(whole(1), 4),
}

/**
 * Trains on smaller images first, where a step costs by the area: the early epochs do without the detail. Images are
 * shrunk with antialiasing after `augment`. Names and defaults are those of `ProgressiveResizing` in MosaicML's Composer.
 */
export interface ProgressiveResizing extends OptionsOf<typeof progressiveOptions> {}

export const progressiveResizingKind: Kind<ReadOf<typeof progressiveOptions>, ProgressiveResizing> = group(
  progressiveOptions,
)

export const lessonOptions = {
  /**
   * Share of the loss that is the teacher's.
   * @default 0.7
   */
  weight: optional(share, DEFAULT_WEIGHT),
  /**
   * Softens both sides' probabilities.
   * @default 4
   */
  temperature: optional(number({ over: 0 }), DEFAULT_TEMPERATURE),
}
const teacher = anyOf(networkKind, tensorKind)

export const distillationOptions = {
  /** A network, asked once before the first epoch, or its logits for the dataset from `predict()`. */
  teacher,
  ...lessonOptions,
}

export const selfDistillationOptions = {
  /**
   * A network, or its logits for the dataset from `predict()`.
   * @default the network itself, as it comes
   */
  teacher: optional(teacher),
  ...lessonOptions,
}

/** Learning from what a teacher says of each sample (Hinton, Vinyals and Dean 2015). */
export interface Distillation extends OptionsOf<typeof distillationOptions> {}

/** The same where the network may be its own teacher, as it was before it was pruned. */
export interface SelfDistillation extends OptionsOf<typeof selfDistillationOptions> {}

const distillationKind: Kind<ReadOf<typeof distillationOptions>, Distillation> = group(distillationOptions)
export const selfDistillationKind: Kind<ReadOf<typeof selfDistillationOptions>, SelfDistillation> = group(
  selfDistillationOptions,
)

/** Factors on the learning rate by layer. */
export type LrScale<Name extends string = string> = { readonly [N in Name]?: number }

const lrScaleKind: Kind<LrScale> = record(
  number({ least: 0, most: LARGEST_RATE }),
  'an object of factors by layer',
)

export const clipOptions = {
  /**
   * The largest L2 norm of all gradients together (torch.nn.utils.clip_grad_norm_).
   * @default none
   */
  norm: optional(number({ over: 0 })),
  /**
   * The largest magnitude of each gradient (torch.nn.utils.clip_grad_value_).
   * @default none
   */
  value: optional(number({ over: 0 })),
}

/** How gradients are cut before a step of the optimizer. Pruned weights are no part of the norm. */
export interface ClipGradients extends OptionsOf<typeof clipOptions> {}

const clipKind: Kind<ReadOf<typeof clipOptions>, ClipGradients> = group(clipOptions)

export const earlyStoppingOptions = {
  /** Epochs in a row without a better one after which training ends. */
  patience: whole(1),
  /**
   * How much smaller the watched number must be to count as better.
   * @default 0
   */
  minDelta: optional(number({ least: 0 }), 0),
  /**
   * What is watched on the validation set.
   * @default 'error'
   */
  monitor: optional(words('error', 'loss'), 'error'),
}

/** Ends training when the validation set says that it gets no better, with the weights of the best epoch. */
export interface EarlyStoppingOptions extends OptionsOf<typeof earlyStoppingOptions> {}

const earlyStoppingKind: Kind<ReadOf<typeof earlyStoppingOptions>, EarlyStoppingOptions> = group(
  earlyStoppingOptions,
)

const checkpointOptions = {
  /**
   * The file: a network file with the optimizer's moments, averages and random numbers beside the weights. Where it
   * exists, training goes on from it, if data, masks and settings are the same. One that was trained to its end ends at
   * once, or goes on to more `epochs` where the schedule does not depend on their number. Remove it to begin again.
   */
  path,
  /**
   * Saves this often, after the step it is in.
   * @default only when it is aborted, and at its end
   */
  minutes: optional(number({ least: 0 })),
  /** Awaited after each saving. */
  onSaved: optional(callback<(position: TrainPosition) => unknown>()),
  /**
   * Awaited each time the file could not be written because the disk is full. Training goes on, the file that was saved
   * before stays, and it is tried again the next time; what cannot be saved when training is aborted fails it instead.
   * @default a warning of the process, once
   */
  onFailed: optional(callback<(error: TorchPruneError) => unknown>()),
}

/** Where training keeps all that it stands at, to go on from there bit for bit. */
export interface CheckpointOptions extends OptionsOf<typeof checkpointOptions> {}

export const checkpointKind: Kind<ReadOf<typeof checkpointOptions>, CheckpointOptions> = group(
  checkpointOptions,
)

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

export const evaluateOptions = {
  /**
   * Samples at a time; only rounding depends on it.
   * @default 250
   */
  batchSize: optional(whole(1), DEFAULT_EVALUATION_BATCH),
  /**
   * What outputs and targets are compared by; the errors that fit it are measured too.
   * @default losses.crossEntropy()
   */
  loss: optional(lossKind, DEFAULT_LOSS),
  /**
   * Also measures the share of non-zero activations.
   * @default false
   */
  activations: optional(boolean, false),
  onProgress: optional(callback<Listener>()),
  ...computeOptions,
  ...abortOptions,
}

export interface EvaluateOptions<L extends Loss = Loss>
  extends ComputeOptions,
    Abortable,
    Omit<OptionsOf<typeof evaluateOptions>, 'loss'> {
  /**
   * What outputs and targets are compared by; the errors that fit it are measured too.
   * @default losses.crossEntropy()
   */
  readonly loss?: L | undefined
}

export const predictOptions = {
  batchSize: evaluateOptions.batchSize,
  ...computeOptions,
  ...abortOptions,
}

export interface PredictOptions extends ComputeOptions, Abortable, OptionsOf<typeof predictOptions> {}
