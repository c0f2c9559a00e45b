import type { DataSplits } from '../data/splits.js'
import type { Evaluation } from '../train/metrics.js'
import type { LayerKept } from './mask.js'
import type { InitialDeviations } from './progress.js'

/** The parts of a data set that pruning uses: it never sees the test set. */
export type PruningData = Pick<DataSplits, 'train' | 'validation'>

/** A finished round. */
export interface Round {
  readonly round: number
  readonly rounds: number
  /** The share of the weights that is kept. */
  readonly density: number
  readonly compression: number
  readonly parameters: number
  /**
   * The error on the validation part, after pruning and before retraining: percent of classes or labels, or the loss of
   * a regression.
   */
  readonly validationErrorBefore: number
  /** The same after retraining. */
  readonly validationError: number
  /** The whole evaluation of the validation part after retraining. */
  readonly validation: Evaluation
  readonly layers: readonly LayerKept[]
  readonly seconds: number
}

export interface PruneResult {
  readonly rounds: readonly Round[]
  readonly initialDeviations: InitialDeviations
}
