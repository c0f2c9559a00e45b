import type { ChannelGroup } from '../prune/surgery/channels.js'
import type { Connections } from './weights.js'

/** What pruning left of a layer's neurons (or filters). */
export interface NeuronCount {
  readonly name: string
  readonly neurons: number
  /** With no kept weight into them. */
  readonly noInput: number
  /** With kept weights into them, and none out of them. */
  readonly noOutput: number
}

/** Counts by layer. What the network returns always has a way out. */
export function countNeurons(
  groups: readonly ChannelGroup[],
  connections: ReadonlyMap<string, Connections>,
): NeuronCount[] {
  return groups.flatMap((group) => {
    const read = channelsRead(group, connections)
    return group.producers.map(({ name }) => {
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
  for (const { node, columns } of consumers) {
    connections.get(node.name)!.outgoing.forEach((weights, input) => {
      if (weights > 0) read[Math.floor(input / columns)] = true
    })
  }
  return read
}
