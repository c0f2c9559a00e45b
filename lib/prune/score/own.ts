import { TorchPruneError } from '../../base/errors.js'
import { callback } from '../../base/kind.js'
import { readOptions } from '../../base/option.js'
import type { AnyNetwork } from '../../nn/any_network.js'
import { noGrad } from '../../tensor/autograd.js'
import { scope } from '../../tensor/scope.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Scored, scored } from '../select/index.js'
import type { ScoreKind } from './score.js'

/**
 * Returns the scores of a layer's weights, of the weight's shape, or of shape `[filters]` for one score per filter. The
 * weights of the highest scores stay. It must not change the weight.
 */
export type ScoreFunction = (layer: { readonly name: string; readonly weight: Tensor }) => Tensor

/** Ranks weights by your own function. */
export interface OwnScore {
  readonly kind: 'scores'
  readonly scores: ScoreFunction
}

export const ownScore: ScoreKind<OwnScore> = {
  options: { scores: callback<ScoreFunction>() },
  async of({ scores }, { network, layers }) {
    const found: Tensor[] = []
    try {
      for (const name of layers) found.push(scoreOf(network, name, scores))
      return found
    } catch (error) {
      for (const tensor of found) tensor.dispose()
      throw error
    }
  },
}

/**
 * Ranks weights by your own function, from a layer's weight to scores: the highest stay.
 *
 * @example criteria.scores(({ weight }) => weight.abs()).density(0.2)
 */
export function scores(score: ScoreFunction): Scored<OwnScore> {
  return scored({
    kind: 'scores',
    ...readOptions('criteria', ownScore.options, { scores: score }),
  } as OwnScore)
}

function scoreOf(network: AnyNetwork, name: string, scores: ScoreFunction): Tensor {
  return noGrad(() =>
    scope(() => {
      const result: unknown = scores({ name, weight: network.tensor(`${name}.weight`).detach() })
      if (result instanceof Tensor) return result
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `the scores of '${name}' must be a tensor, got ${typeof result}`,
      )
    }),
  )
}
