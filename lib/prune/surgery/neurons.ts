import { refuseReading } from '../../base/lease.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { isPrunable } from '../../nn/cost.js'
import type { Node } from '../../nn/graph.js'
import type { Layer } from '../../nn/layers.js'
import { type AnyNetwork, networkKind } from '../../nn/network.js'

/** Parameters that a pruned network still needs. */
export interface ParameterReport {
  /** Weights and biases, dense. */
  readonly dense: number
  /** Surviving weights, and the biases of live neurons (with some incoming and some outgoing weight). */
  readonly kept: number
  /** Weights among those that are kept and exactly 0: pruned elsewhere, perhaps, and not sealed here. */
  readonly zeros: number
  /** `dense / kept`. */
  readonly compression: number
}

/** Counts what is left of a network's parameters. */
export async function parameterReport(network: AnyNetwork, signal?: AbortSignal): Promise<ParameterReport> {
  networkKind.read(network, 'parameterReport: network')
  refuseReading(network)
  const layers = network.prunable
  const names = layers.map((name) => `${name}.weight`)
  const [connections, statistics] = [
    await runJob(() => loadAddon().connections(network.handle, names), signal),
    await runJob(() => loadAddon().weightStatistics(network.handle, names), signal),
  ]
  const incoming = new Map(layers.map((name, i) => [name as string, connections[i]!.incoming]))
  const outgoing = new Map(layers.map((name, i) => [name as string, connections[i]!.outgoing]))
  const live = liveOutputs(network.nodes, outgoing)
  let kept = statistics.reduce((sum, { kept }) => sum + kept, 0)
  for (const node of network.nodes) {
    const { layer, name } = node
    if (layer.kind === 'batchNorm2d') kept += 2 * count(live.get(name)!)
    if (!isPrunable(node) || !('bias' in layer) || !layer.bias) continue
    const into = incoming.get(name)!
    kept += count(live.get(name)!.map((alive, neuron) => alive & into[neuron]!))
  }
  const dense = network.parameterCount
  const zeros = statistics.reduce((sum, { zeros }) => sum + zeros, 0)
  return { dense, kept, zeros, compression: kept === 0 ? Number.POSITIVE_INFINITY : dense / kept }
}

/**
 * Of each layer's output channels, which have a kept weight out of them: walked from the end, through layers
 * without weights of their own. What the network returns is alive.
 */
function liveOutputs(
  nodes: readonly Node[],
  outgoing: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const live = new Map(nodes.map((node) => [node.name, new Uint8Array(node.shape[0]!)]))
  live.get(nodes.at(-1)!.name)!.fill(1)
  const shapes = new Map(nodes.map((node) => [node.name, node.shape]))
  for (const node of nodes.toReversed()) {
    const needed = outgoing.get(node.name) ?? live.get(node.name)!
    for (const input of node.inputs) {
      const source = live.get(input)
      if (source === undefined) continue
      // A flattened channel is as many features in a row as it had pixels.
      const pixels =
        node.layer.kind === 'flatten'
          ? shapes
              .get(input)!
              .slice(1)
              .reduce((a, b) => a * b, 1)
          : 1
      const { before, behind } = reach(node.layer)
      needed.forEach((alive, i) => {
        if (alive)
          source.fill(1, Math.max(0, Math.floor(i / pixels) - before), Math.floor(i / pixels) + behind + 1)
      })
    }
  }
  return live
}

/** How many channels beside its own a value looks at. */
function reach(layer: Layer): { before: number; behind: number } {
  if (layer.kind !== 'localResponseNorm') return { before: 0, behind: 0 }
  return { before: Math.floor(layer.size / 2), behind: Math.floor((layer.size - 1) / 2) }
}

function count(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0)
}
