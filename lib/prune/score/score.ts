import { TorchPruneError } from '../../base/errors.js'
import type { Table } from '../../base/option.js'
import type { Dataset } from '../../data/dataset.js'
import type { AnyNetwork } from '../../nn/any_network.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Loss } from '../../train/losses.js'

/** Any score: the word for how weights are ranked, and its options as plain values. */
export interface AnyScore {
  readonly kind: string
}

/** The inputs of a score. */
export interface ScoreContext {
  readonly network: AnyNetwork
  /** The layers that are ranked. */
  readonly layers: readonly string[]
  /** The training set, for scores that use gradients. */
  readonly data?: Dataset | undefined
  /** The loss whose gradients they use. */
  readonly loss?: Loss | undefined
  readonly signal?: AbortSignal | undefined
}

/** A kind of score, which ranks weights: the highest stay. */
export interface ScoreKind<Score extends AnyScore> {
  readonly options: Table
  /**
   * Returns the scores of each layer, of its weight's shape, or of shape `[filters]` if all weights of a filter share
   * one. The caller disposes of them. The score of magnitudes leaves this out, because the addon ranks them without a
   * copy.
   */
  readonly of?: (score: Score, context: ScoreContext) => Promise<readonly Tensor[]>
}

/** Returns the training set. Throws `ERR_ARGUMENT` if there is none. */
export function dataOf({ data }: ScoreContext, who: string): Dataset {
  if (data) return data
  throw new TorchPruneError('ERR_ARGUMENT', `${who} uses gradients: give applyCriterion() data`)
}
