import { type Abortable, abortOptions } from '../../base/abort.js'
import { type ComputeOptions, computeOptions } from '../../base/compute.js'
import { boolean, callback, whole } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'
import type { Listener } from '../../binding/native_job.js'
import { DEFAULT_LOSS, type Loss, lossKind } from '../losses.js'

export const DEFAULT_EVALUATION_BATCH = 250

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
