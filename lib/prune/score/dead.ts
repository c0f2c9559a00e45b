import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import { isPrunable, parting } from '../../nn/cost.js'
import type { Node } from '../../nn/graph.js'
import { type ChannelGroup, channelGroups } from '../../nn/surgery/channels.js'
import { columnsOf } from '../../nn/surgery/cutting.js'
import type { ScoreContext } from './score.js'

/** Places along a dimension of a layer's weight, all of whose weights are useless. */
export interface UselessPlaces {
  readonly layer: string
  readonly dim: 0 | 1
  readonly places: readonly number[]
}

/**
 * The rows and columns of weights that lead into neurons that nothing reads, or out of neurons into which nothing leads.
 * Channels whose place is fixed are left out, and so are those that share a dimension of a grouped convolution.
 */
export async function uselessPlaces(
  context: Pick<ScoreContext, 'network' | 'signal'>,
): Promise<UselessPlaces[]> {
  const { network, signal } = context
  const layers: readonly string[] = network.prunable
  const names = layers.map((name) => `${name}.weight`)
  const found = await runJob(() => loadAddon().connections(network.handle, names), signal)
  const alive = new Map(layers.map((name, i) => [name, found[i]!]))
  return channelGroups(network.inputShape, network.nodes)
    .filter(({ fixed, producers }) => !fixed && producers.length > 0)
    .flatMap((group) => uselessOf(group, alive))
}

type Alive = ReadonlyMap<string, { readonly incoming: Uint8Array; readonly outgoing: Uint8Array }>

function uselessOf({ size, producers, consumers }: ChannelGroup, alive: Alive): UselessPlaces[] {
  const channels = Array.from({ length: size }, (_, channel) => channel)
  const fed = (channel: number) => producers.some(({ name }) => alive.get(name)!.incoming[channel])
  const read = (channel: number) =>
    consumers.some((consumer) =>
      columnsOf(channel, consumer).some((column) => alive.get(consumer.node.name)!.outgoing[column]),
    )
  const [unfed, unread] = [channels.filter((c) => !fed(c)), channels.filter((c) => !read(c))]
  return [
    ...producers.flatMap((node) => placesOf(node, 'outputs', unread)),
    ...consumers.flatMap((consumer) =>
      placesOf(
        consumer.node,
        'inputs',
        unfed.flatMap((channel) => columnsOf(channel, consumer)),
      ),
    ),
  ]
}

function placesOf(node: Node, side: 'inputs' | 'outputs', places: readonly number[]): UselessPlaces[] {
  if (!isPrunable(node) || places.length === 0) return []
  const { groups, inputsFirst } = parting(node)
  const dim = (side === 'inputs') === inputsFirst ? 0 : 1
  // Along the second dimension, each group has channels of its own.
  return dim === 1 && groups > 1 ? [] : [{ layer: node.name, dim, places }]
}
