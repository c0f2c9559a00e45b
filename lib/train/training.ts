import type { EpochOptions, SplicingCounts } from '../binding/native.js'
import type { KeptCheckpoint } from './checkpoint.js'
import type { Evaluation } from './metrics.js'
import type { TrainOptions } from './options.js'

/** Masks that change while a network trains: what `prune.splice()` adds to `train()`. */
export interface TrainSplicing {
  /** Goes on behind this epoch of all, with the optimizer's moments new. */
  readonly after: number
  /** How masks change in an epoch of `steps` steps, of all `total`, from step `first` on. */
  plan(first: number, steps: number, total: number): Promise<TrainingSplicing>
  done(counts: SplicingCounts): void
}

type TrainingSplicing = NonNullable<EpochOptions['splicing']>

/** A training as the library runs it: what users may say, and what rounds of pruning add. */
export interface Training extends Omit<TrainOptions, 'checkpoint'> {
  readonly checkpoint?: KeptCheckpoint | undefined
  readonly splicing?: TrainSplicing | undefined
}

/**
 * An epoch that is over. Errors are percent of classes or labels, or the loss of a regression; the training error is the
 * running one, dropout and all.
 */
export interface Epoch {
  readonly epoch: number
  readonly epochs: number
  /** The learning rate of its last step. */
  readonly lr: number
  readonly loss: number
  readonly trainError: number
  readonly validationError?: number
  /** All that is known of the validation set. */
  readonly validation?: Evaluation
  readonly seconds: number
  readonly samplesPerSecond: number
  /** How it was computed on a GPU. */
  readonly capture?: CaptureRecord
  /** The layers that were computed with their kept weights alone (`sparse`), if there were any. */
  readonly sparse?: readonly string[]
}

/** How the steps of an epoch ran on a GPU. */
export interface CaptureRecord {
  /** Those that were launched as one CUDA graph. A training's first steps never are, nor those on a smaller last batch. */
  readonly steps: number
  /** Why others ran one operator at a time, where something of the training cannot be captured. */
  readonly eager?: string
}

export interface TrainResult {
  /** Those of this sitting, where a checkpoint went on. */
  readonly epochs: readonly Epoch[]
  /** The epoch that `earlyStopping` ended with, and what it watched there. */
  readonly best?: { readonly epoch: number; readonly value: number }
}
