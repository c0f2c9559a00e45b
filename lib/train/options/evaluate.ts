import { type Abortable, abortOptions } from '../../base/abort.js'
import { type ComputeOptions, computeOptions } from '../../base/compute.js'
import { boolean, callback, whole } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'
import type { Listener } from '../../binding/native_job.js'
import { DEFAULT_LOSS, type Loss, lossKind } from '../losses.js'

export const DEFAULT_EVALUATION_BATCH = 250

export const evaluateOptions = {
  /**
   * The number of samples per batch; only rounding depends on it.
   * @default 250
   */
  batchSize: optional(whole(1), DEFAULT_EVALUATION_BATCH),
  /**
   * What compares outputs with targets. The errors that are measured depend on it too.
   * @default losses.crossEntropy()
   */
  loss: optional(lossKind, DEFAULT_LOSS),
  /**
   * Whether to measure the share of non-zero activations as well.
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
   * What compares outputs with targets. The errors that are measured depend on it too.
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
