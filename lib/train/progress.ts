import type { JobProgress, TrainingTally } from '../binding/native.js'

export interface TrainProgress extends JobProgress {
  readonly epoch: number
  readonly epochs: number
}

/** Steps that are done in an epoch, from 1; one more than all epochs when training is over. */
export interface TrainPosition extends TrainingTally {
  readonly epoch: number
}
