import { refuseReading } from '../../base/lease.js'
import { product } from '../../base/lists.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../../nn/any_network.js'
import { isPrunable, parameterShapes } from '../../nn/cost.js'
import type { Node } from '../../nn/graph.js'
import { kindOf } from '../../nn/layer_kind.js'

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
    const { layer, name, inputShapes } = node
    const alive = live.get(name)!
    const parameters = parameterShapes(layer)
    if (isPrunable(node)) {
      const into = incoming.get(name)!
      if (parameters.has('bias')) kept += count(alive.map((flag, neuron) => flag & into[neuron]!))
      continue
    }
    const { each } = kindOf(layer).channels(layer, inputShapes[0]!)
    for (const shape of parameters.values()) {
      kept += each ? count(alive) * product(shape.slice(1)) : product(shape)
    }
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
  for (const node of nodes.toReversed()) {
    const { name, layer, inputs, inputShapes } = node
    const needed = outgoing.get(name) ?? live.get(name)!
    const kind = kindOf(layer)
    const { flow } = kind.channels(layer, inputShapes[0]!)
    let first = 0
    for (const [i, input] of inputs.entries()) {
      const shape = inputShapes[i]!
      const source = live.get(input)
      // A flattened channel is as many features in a row as it had pixels.
      const pixels = flow === 'flattens' ? product(shape.slice(1)) : 1
      const own = flow === 'concatenates' ? needed.subarray(first, first + shape[0]!) : needed
      if (source !== undefined) {
        own.forEach((alive, output) => {
          const channel = Math.floor(output / pixels)
          if (alive) source.fill(1, ...(kind.reach?.(layer, channel, shape) ?? [channel, channel + 1]))
        })
      }
      first += shape[0]!
    }
  }
  return live
}

function count(flags: Uint8Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0)
}
