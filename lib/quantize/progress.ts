import type { Evaluation } from '../train/metrics.js'
import type { Epoch } from '../train/training.js'
import type { LayerSize } from './size.js'
import type { SharingPoint } from './solve.js'

/** A layer was measured with a number of values, where a budget is solved. */
export interface MeasuredSharing extends SharingPoint {
  readonly stage: 'measured'
  /** How many such points are done, and how many there are. */
  readonly done: number
  readonly total: number
}

/** Weights share values that are not trained yet. */
export interface ClusteredWeights {
  readonly stage: 'clustered'
  /** How many values each layer shares at most. */
  readonly values: Readonly<Record<string, number>>
  /** On the validation part, before weights shared values and after: percent, or the loss of a regression. */
  readonly validationErrorBefore: number
  readonly validationError: number
}

/** Weights are rounded to int8. */
export interface RoundedWeights {
  readonly stage: 'rounded'
  /** On the validation part, before weights were rounded and after: percent, or the loss of a regression. */
  readonly validationErrorBefore: number
  readonly validationError: number
}

/** An epoch of training the shared values is over. */
export interface SharedEpoch extends Epoch {
  readonly stage: 'epoch'
}

/** All is done. */
export interface QuantizedNetwork extends QuantizeResult {
  readonly stage: 'done'
}

export type QuantizeEvent =
  | MeasuredSharing
  | ClusteredWeights
  | RoundedWeights
  | SharedEpoch
  | QuantizedNetwork

/** What came of quantization. Errors are of the validation part: percent, or the loss of a regression. */
export interface QuantizeResult {
  /** As the network came. */
  readonly validationErrorBefore: number
  /** When its weights shared values, and before those were trained; or when they were rounded. */
  readonly validationErrorClustered: number
  readonly validationError: number
  /** All that is known of the validation part in the end. */
  readonly validation: Evaluation
  readonly layers: readonly LayerSize[]
  /** The bytes of the whole network, by the entropy of its values and positions. */
  readonly bytes: number
  readonly seconds: number
}
