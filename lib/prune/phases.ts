import { TorchPruneError } from '../base/errors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { kindOf } from '../nn/layer_kind.js'

/** Which layers to prune and retrain, while the others are frozen (paper, section 3.3). */
export type Phase = 'all' | 'conv' | 'fc'

/** Phases in order. `'alternate'` is `['fc', 'conv']` for networks that have both kinds of layers, else `['all']`. */
export type Phases = readonly Phase[] | 'alternate'

/**
 * Returns the phases of each round, in order.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for no phase, or for one that has nothing to train in the network.
 */
export function phasesOf(network: AnyNetwork, phases: Phases = ['all']): readonly Phase[] {
  const kinds = new Set(network.costs.map(({ kind }) => kind))
  if (phases === 'alternate') return kinds.size > 1 ? ['fc', 'conv'] : ['all']
  if (phases.length === 0) throw new TorchPruneError('ERR_ARGUMENT', 'phases needs one phase or more')
  const known: readonly Phase[] = ['all', ...kinds]
  const empty = phases.find((phase) => !known.includes(phase))
  if (empty === undefined) return phases
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `phase '${empty}' has nothing to train in this network: use ${known.join(', ')}`,
  )
}

/** The layers that a phase prunes. */
export function prunedIn(network: AnyNetwork, phase: Phase): readonly string[] {
  return network.costs.filter(({ kind }) => phase === 'all' || kind === phase).map(({ name }) => name)
}

/** The layers that a phase freezes. Batch normalization belongs to the convolutions. */
export function fixedIn(network: AnyNetwork, phase: Phase): readonly string[] {
  if (phase === 'all') return []
  const fixed = phase === 'fc' ? 'conv' : 'fc'
  return network.nodes.filter(({ layer }) => kindOf(layer).phase?.(layer) === fixed).map(({ name }) => name)
}
