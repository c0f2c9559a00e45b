import { anyOf, exactly } from '../../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../../base/option.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Scored, scored } from '../select/index.js'
import type { ScoreKind } from './score.js'

export const filterNormOptions = {
  /**
   * 1 for the sum of magnitudes (L1), 2 for the root of the sum of squares (L2).
   * @default 1
   */
  norm: optional(anyOf(exactly(1), exactly(2)), 1),
}

export interface FilterNormOptions extends OptionsOf<typeof filterNormOptions> {}

/** Ranks weights by the norm of their filter. */
export interface FilterNormScore {
  readonly kind: 'filterNorm'
  readonly norm: 1 | 2
}

export const filterNormScore: ScoreKind<FilterNormScore> = {
  options: filterNormOptions,
  async of({ norm }, { network, layers, signal }) {
    const names = layers.map((name) => `${name}.weight`)
    const norms = await runJob(() => loadAddon().filterNorms(network.handle, names, norm), signal)
    return norms.map((handle) => Tensor.wrap(handle))
  },
}

/* * Ranks weights by the norm of their filter, or of their row in a fully connected layer (Li et al. 2017). With
 * `.filters()`, it prunes whole filters, and removing those makes the network itself smaller.
 *
 * @example criteria.filterNorm().filters({ conv1: 0.5 })
 */
export function filterNorm(options: FilterNormOptions = {}): Scored<FilterNormScore> {
  const read = readOptions('criteria.filterNorm', filterNormScore.options, options)
  return scored({ kind: 'filterNorm', ...read } as FilterNormScore)
}
