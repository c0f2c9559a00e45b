import { product } from '../../base/lists.js'
import type { AnyNetwork } from '../../nn/any_network.js'
import { isPrunable, parting } from '../../nn/cost.js'
import { refuseSpliced, valuesAndMasks } from '../../nn/sealed.js'
import { type ChannelGroup, channelGroups } from '../../nn/surgery/channels.js'
import { pickChannels } from '../../nn/surgery/cutting.js'
import { Shrinking } from '../../nn/surgery/shrinking.js'
import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'

/** Of layers with more neurons, only how much each keeps is compared. */
const MOST_COMPARED = 1024
/** What a difference of one kept weight counts against resembling. */
const PER_WEIGHT = 0.005

/**
 * Puts the neurons of each layer, and the channels of convolutions, into an order that codes well: each beside those
 * that keep weights at the same places, as far as a walk to the nearest finds them, from the one with the most kept
 * weights, and dead ones together at the end. Neurons that a residual sum or a normalization couples move together;
 * those of grouped convolutions, of inputs and of outputs stay. What the network computes changes by rounding alone,
 * since sums run in another order.
 *
 * @throws TorchPruneError `ERR_SEAL` for a network that is spliced; nothing has changed then.
 */
export async function sortNeurons(network: AnyNetwork, signal?: AbortSignal): Promise<void> {
  refuseSpliced(network, 'neurons are not sorted')
  using work = await Shrinking.of(network)
  const { tensors } = work
  for (const group of channelGroups(network.inputShape, network.nodes)) {
    signal?.throwIfAborted()
    if (group.fixed || group.blocks > 1 || group.producers.length === 0) continue
    await pickChannels(tensors, group, await orderOf(group, tensors))
  }
  const { values, masks } = valuesAndMasks(tensors, network.prunable)
  await network.put(values, masks)
}

async function orderOf(group: ChannelGroup, tensors: ReadonlyMap<string, Tensor>): Promise<number[]> {
  const { size } = group
  const counts = new Float64Array(size)
  const overlaps = size <= MOST_COMPARED ? new Float64Array(size * size) : undefined
  for (const node of group.producers.filter(isPrunable)) {
    using held = new HeldTensors()
    const later = async (operator: string, ...values: Argument[]) =>
      held.use(Tensor.wrap(await invokeLater(operator, ...values)))
    const weight = tensors.get(`${node.name}.weight`)!
    const kept = await later('abs', await later('sign', weight))
    const rows = parting(node).inputsFirst ? held.use(kept.transpose(0, 1)) : kept
    const flat = held.use(rows.reshape([size, product(weight.shape) / size]))
    addTo(counts, await later('sum.dim_IntList', flat, [1]))
    if (overlaps) addTo(overlaps, await later('mm', flat, held.use(flat.transpose(0, 1))))
  }
  const byCount = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]! || a - b)
  return overlaps ? walk(byCount, counts, overlaps) : byCount
}

function addTo(sums: Float64Array, more: Tensor): void {
  const values = more.data() as Float32Array
  for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!
}

/**
 * Walks from the first channel to the one that resembles it most, and so on. Channels resemble each other by the weights
 * that they keep at the same places, as a share of how many they keep, and by how many that is.
 */
function walk(channels: readonly number[], counts: Float64Array, overlaps: Float64Array): number[] {
  const left = new Set(channels.filter((channel) => counts[channel]! > 0))
  const order: number[] = []
  for (let next = channels[0]!; left.delete(next); ) {
    order.push(next)
    const [here, kept] = [next * channels.length, counts[next]!]
    let most = Number.NEGATIVE_INFINITY
    for (const other of left) {
      const share = overlaps[here + other]! / (Math.sqrt(kept * counts[other]!) + 1)
      const likeness = share - PER_WEIGHT * Math.abs(kept - counts[other]!)
      if (likeness > most) [most, next] = [likeness, other]
    }
  }
  return [...order, ...channels.filter((channel) => counts[channel] === 0)]
}
