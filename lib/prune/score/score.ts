import { TorchPruneError } from '../../base/errors.js'
import type { Table } from '../../base/option.js'
import type { Dataset } from '../../data/dataset.js'
import type { AnyNetwork } from '../../nn/any_network.js'
import type { Tensor } from '../../tensor/tensor.js'
import type { Loss } from '../../train/losses.js'

/** Any score: the name of what ranks weights, and its options as plain values. */
export interface AnyScore {
  readonly kind: string
}

/** What scores are computed from. */
export interface ScoreContext {
  readonly network: AnyNetwork
  /** The layers that are ranked. */
  readonly layers: readonly string[]
  /** The training set, for scores that look at gradients. */
  readonly data?: Dataset | undefined
  /** What is minimized there. */
  readonly loss?: Loss | undefined
  readonly signal?: AbortSignal | undefined
}

/** A kind of score: what ranks weights, the largest of which stay. */
export interface ScoreKind<Score extends AnyScore> {
  readonly options: Table
  /**
   * The scores of each layer, of its weight's shape, or `[filters]` where all weights of a filter share one. The caller
   * disposes of them. Left out where magnitudes are ranked: the addon looks at those without a copy.
   */
  readonly of?: (score: Score, context: ScoreContext) => Promise<readonly Tensor[]>
}

/** The training set. Throws `ERR_ARGUMENT` where there is none. */
export function dataOf({ data }: ScoreContext, who: string): Dataset {
  if (data) return data
  throw new TorchPruneError('ERR_ARGUMENT', `${who} looks at gradients: give applyCriterion() data`)
}
