import type { Job } from '../base/job.js'
import type { JobProgress, Native, SplicingCounts } from '../binding/native.js'
import type { JobOptions, Listener } from '../binding/native_job.js'
import type { Augmentation } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { ComputeOptions } from '../nn/compute.js'
import type { AnyNetwork } from '../nn/network.js'
import type { Averaging } from '../optim/averaging.js'
import type { Regularization } from '../optim/regularization.js'
import type { Schedule } from '../optim/schedule.js'
import type { OptimizerSpec } from '../optim/spec.js'
import { checkSettings, checkTrainingSet } from './check.js'
import type { CheckpointOptions } from './checkpoint.js'
import type { Distillation } from './distillation.js'
import { epochsOf } from './epochs.js'
import { networkJob } from './lease.js'
import type { CacheOptions } from './prefix.js'
import type { ProgressiveResizing } from './progressive.js'
import { checkLabelled } from './samples.js'

/** Masks that change while a network trains: what `prune.splice()` adds to `train()`. @internal */
export interface TrainSplicing {
  /** Goes on behind this epoch of all, with the optimiser's moments new. */
  readonly after: number
  /** How masks change in an epoch of `steps` steps, of all `total`, from step `first` on. */
  plan(first: number, steps: number, total: number): Promise<TrainingSplicing>
  done(counts: SplicingCounts): void
}

type TrainingSplicing = NonNullable<Parameters<Native['trainingStart']>[3]['splicing']>

export interface TrainOptions extends JobOptions, ComputeOptions, CacheOptions {
  readonly epochs: number
  readonly optimizer: OptimizerSpec
  /**
   * Samples in a step.
   * @default 64
   */
  readonly batchSize?: number | undefined
  /**
   * Leaves out the last batch of an epoch where it is not full; other samples each time. Batch normalization cannot
   * train on a last batch of one.
   * @default false
   */
  readonly dropLast?: boolean | undefined
  /** Constant unless given. */
  readonly schedule?: Schedule | undefined
  readonly regularization?: Regularization | undefined
  /** Moves this share of the targets from the right class to all of them (Szegedy et al. 2016). 0 unless given. */
  readonly labelSmoothing?: number | undefined
  /** Changes samples at random, anew in each epoch. */
  readonly augment?: Augmentation | undefined
  /** Begins with smaller images, which cost less. */
  readonly progressiveResizing?: ProgressiveResizing | undefined
  /** Learns from another network beside the labels; of samples as they are, also where `augment` changes them. */
  readonly distillation?: Distillation | undefined
  /** Ends with an average of the weights on the way instead of the last ones: `ema()` or `swa()`. */
  readonly averaging?: Averaging | undefined
  /** Read after each epoch; after the last one with the averaged weights, where there are. */
  readonly validation?: Dataset | undefined
  /** Saves where training stands, and goes on from there. */
  readonly checkpoint?: CheckpointOptions | undefined
  /** Seeds the order of samples and dropout; the network's own unless given. */
  readonly seed?: number | undefined
  /** Called now and then within an epoch. */
  readonly onProgress?: Listener<TrainProgress> | undefined
  /** @internal */
  readonly splicing?: TrainSplicing | undefined
}

export interface TrainProgress extends JobProgress {
  readonly epoch: number
  readonly epochs: number
}

/** An epoch that is over. Errors are percent; the training error is the running one, dropout and all. */
export interface Epoch {
  readonly epoch: number
  readonly epochs: number
  /** The learning rate of its last step. */
  readonly lr: number
  readonly loss: number
  readonly trainError: number
  readonly validationError?: number
  readonly seconds: number
  readonly samplesPerSecond: number
}

export interface TrainResult {
  /** Those of this sitting, where a checkpoint went on. */
  readonly epochs: readonly Epoch[]
}

/**
 * Trains a network by cross-entropy, off the event loop. It begins at once. Awaited, it resolves when done; iterated,
 * it yields each epoch. Frozen layers stay as they are, masks hold.
 *
 * What can be known to be wrong is refused before the first step: shapes, labels, batches, NaN in weights or samples, places
 * that cannot be written.
 *
 * @throws TorchPruneError `ERR_ARGUMENT`, `ERR_SHAPE`; `ERR_TORCH` naming the cause, when numbers run out on the way, and
 * the step that would spoil the weights is not done; the signal's reason when aborted (after the step it is in);
 * `ERR_FILE` for a checkpoint of another training.
 */
export function train(network: AnyNetwork, dataset: Dataset, options: TrainOptions): Job<Epoch, TrainResult> {
  if (options.averaging && options.splicing) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'masks that change leave no weights to average: splice first, then train to an average',
    )
  }
  if (options.checkpoint && options.splicing) {
    throw new TorchPruneError('ERR_ARGUMENT', 'splicing keeps no checkpoint within an epoch: leave it out')
  }
  const sizes = checkSettings(network, options)
  checkTrainingSet(network, dataset, options, sizes)
  if (options.validation) checkLabelled(network, options.validation, 'the validation set')
  return networkJob(
    'train()',
    network,
    { datasets: [dataset, options.validation], teacher: options.distillation?.teacher },
    (signal) => epochsOf(network, dataset, { ...options, signal }, sizes),
    options.signal,
  )
}
