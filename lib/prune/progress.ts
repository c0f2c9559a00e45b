import type { TrainProgress } from '../train/progress.js'
import type { Epoch } from '../train/training.js'
import type { Phase } from './phases.js'

export interface PruneProgress extends TrainProgress {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/** A phase, and its place among those of a round, from 0. */
export interface PrunedPhase {
  readonly phase: Phase
  readonly index: number
}

/** An epoch of retraining that is over. */
export interface RetrainEpoch extends Epoch {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/** Standard deviations of layers' weights before the first round, kept with a run so that a resumed one prunes alike. */
export type InitialDeviations = Readonly<Record<string, number>>

/** What a run of splicing measured when it began. */
export interface SpliceTargetState {
  readonly initialDeviations: InitialDeviations
  /** Share of each layer's weights that was kept. */
  readonly initialDensities: Readonly<Record<string, number>>
}

/** Where a run of splicing stands beside its network: plain values, to be kept with a checkpoint. */
export interface SplicePoint extends SpliceTargetState {
  readonly epoch: number
}

/** An epoch of splicing that is over. */
export interface SpliceEpoch extends Epoch {
  /** Share of the weights that is kept. */
  readonly density: number
  /** How often in this epoch a pruned weight returned, and a kept one went. */
  readonly returned: number
  readonly removed: number
  readonly point: SplicePoint
}
