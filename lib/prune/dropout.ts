import { isPrunable } from '../nn/cost.js'
import type { AnyNetwork } from '../nn/network.js'
import type { LayerKept } from './mask.js'

/**
 * Dropout for a pruned network: `Dr = Do · sqrt(Cr / Co)` with the connections now and originally of the layer
 * that reads the dropped neurons (paper, section 3.2, equation 2). A sparse layer has less capacity to lose.
 */
export function adjustDropout(network: AnyNetwork, kept: readonly LayerKept[]): void {
  const density = new Map(kept.map((layer) => [layer.name, layer.density]))
  for (const { name, layer } of network.nodes) {
    if (layer.kind !== 'dropout') continue
    const reader = readerOf(network, name)
    const share = reader === undefined ? undefined : density.get(reader)
    if (share !== undefined) network.setDropout(name, layer.p * Math.sqrt(share))
  }
}

/** The first layer with connections behind a dropout layer. */
function readerOf(network: AnyNetwork, dropout: string): string | undefined {
  const reached = new Set([dropout])
  for (const node of network.nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue
    if (isPrunable(node)) return node.name
    reached.add(node.name)
  }
  return undefined
}
