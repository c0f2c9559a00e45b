import { type ChannelGroup, neuronLayers } from '../nn/surgery/channels.js'
import type { Connections } from './weights.js'

/** What pruning left of a layer's neurons (or filters). */
export interface NeuronCount {
  readonly name: string
  /** The number of neurons in the layer. */
  readonly neurons: number
  /** The number of neurons without a kept weight leading into them. */
  readonly noInput: number
  /** The number of neurons with kept weights leading into them but none leading out of them. */
  readonly noOutput: number
}

/** Counts neurons by layer. Neurons in the network's output always count as leading out. */
export function countNeurons(
  groups: readonly ChannelGroup[],
  connections: ReadonlyMap<string, Connections>,
): NeuronCount[] {
  return groups.flatMap((group) => {
    const read = channelsRead(group, connections)
    return neuronLayers(group).map(({ name }) => {
      const { incoming } = connections.get(name)!
      const noInput = incoming.filter((weights) => weights === 0).length
      const noOutput = incoming.filter((weights, channel) => weights > 0 && !read[channel]).length
      return { name, neurons: incoming.length, noInput, noOutput }
    })
  })
}

function channelsRead(
  { size, consumers, fixed }: ChannelGroup,
  connections: ReadonlyMap<string, Connections>,
): boolean[] {
  const read = new Array<boolean>(size).fill(fixed === 'output' || consumers.length === 0)
  for (const { node, before, columns } of consumers) {
    const { outgoing } = connections.get(node.name)!
    for (let i = 0; i < size * columns; i++)
      if (outgoing[before + i]! > 0) read[Math.floor(i / columns)] = true
  }
  return read
}
