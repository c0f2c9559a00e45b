import type { AnyNetwork } from '../nn/any_network.js'
import { isPrunable } from '../nn/cost.js'
import { kindOf } from '../nn/layer_kind.js'
import type { LayerKept } from './mask.js'

/** Dropout by the square-root rule (`true`), unchanged (`false`), or `'off'` from the first round on. */
export type DropoutRule = boolean | 'off'

/**
 * Adjusts dropout to a pruned network: `Dr = Do · sqrt(Cr / Co)`, with the current and the original number of
 * connections of the layer that reads the dropped neurons (paper, section 3.2, equation 2). A sparse layer has less
 * capacity to lose.
 */
export function adjustDropout(
  network: AnyNetwork,
  kept: readonly LayerKept[],
  rule: DropoutRule = true,
): void {
  if (rule === false) return
  const density = new Map(kept.map((layer) => [layer.name, layer.density]))
  for (const { name, layer } of network.nodes) {
    const p = kindOf(layer).dropped?.(layer)
    if (p === undefined) continue
    const reader = readerOf(network, name)
    const share = rule === 'off' ? 0 : density.get(reader ?? '')
    if (share !== undefined) network.setDropout(name, p * Math.sqrt(share))
  }
}

/** The first layer with weights that reads the output of a dropout layer. */
function readerOf(network: AnyNetwork, dropout: string): string | undefined {
  const reached = new Set([dropout])
  for (const node of network.nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue
    if (isPrunable(node)) return node.name
    reached.add(node.name)
  }
  return undefined
}
