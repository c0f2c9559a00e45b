import type { TrainProgress } from '../train/progress.js'
import type { Epoch } from '../train/training.js'
import type { Phase } from './phases.js'

export interface PruneProgress extends TrainProgress {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/** A phase, and its position in the round, from 0. */
export interface PrunedPhase {
  readonly phase: Phase
  readonly index: number
}

/** A finished epoch of retraining. */
export interface RetrainEpoch extends Epoch {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/**
 * The standard deviation of each layer's weights before the first round. A run saves it, so that it prunes the same
 * after it is resumed.
 */
export type InitialDeviations = Readonly<Record<string, number>>

/** What a run of splicing measured at its start. */
export interface SpliceTargetState {
  readonly initialDeviations: InitialDeviations
  /** The share of each layer's weights that was kept. */
  readonly initialDensities: Readonly<Record<string, number>>
}

/** The state of a run of splicing besides its network: plain values, to be saved with a checkpoint. */
export interface SplicePoint extends SpliceTargetState {
  readonly epoch: number
}

/** A finished epoch of splicing. */
export interface SpliceEpoch extends Epoch {
  /** The share of the weights that is kept. */
  readonly density: number
  /** How often in this epoch a pruned weight returned, and how often a kept one was pruned. */
  readonly returned: number
  readonly removed: number
  readonly point: SplicePoint
}
