import type { DataSplits } from '../data/splits.js'
import type { Evaluation } from '../train/metrics.js'
import type { LayerKept } from './mask.js'
import type { InitialDeviations } from './progress.js'

/** The parts of a data set that pruning works on: it never sees the test set. */
export type PruningData = Pick<DataSplits, 'train' | 'validation'>

/** A round that is over. */
export interface Round {
  readonly round: number
  readonly rounds: number
  /** Share of the weights that is kept. */
  readonly density: number
  readonly compression: number
  readonly parameters: number
  /**
   * On the validation part, right after pruning and after retraining: percent of classes or labels, or the loss of a
   * regression.
   */
  readonly validationErrorBefore: number
  readonly validationError: number
  /** All that is known of the validation part after retraining. */
  readonly validation: Evaluation
  readonly layers: readonly LayerKept[]
  readonly seconds: number
}

export interface PruneResult {
  readonly rounds: readonly Round[]
  readonly initialDeviations: InitialDeviations
}
