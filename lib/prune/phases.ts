import { TorchPruneError } from '../base/errors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { kindOf } from '../nn/layer_kind.js'

/** Which layers a round prunes and retrains, the others being fixed (paper, section 3.3). */
export type Phase = 'all' | 'conv' | 'fc'

/** Phases in turn; `'alternate'` is FC then CONV layers in a network that has both, and all at once in others. */
export type Phases = readonly Phase[] | 'alternate'

/**
 * What each round does in turn.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for no phase, or one with nothing to train in the network.
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

/** The layers with connections that a phase prunes. */
export function prunedIn(network: AnyNetwork, phase: Phase): readonly string[] {
  return network.costs.filter(({ kind }) => phase === 'all' || kind === phase).map(({ name }) => name)
}

/** The layers that a phase fixes. Batch normalization belongs to the convolutions. */
export function fixedIn(network: AnyNetwork, phase: Phase): readonly string[] {
  if (phase === 'all') return []
  const fixed = phase === 'fc' ? 'conv' : 'fc'
  return network.nodes.filter(({ layer }) => kindOf(layer).phase?.(layer) === fixed).map(({ name }) => name)
}
