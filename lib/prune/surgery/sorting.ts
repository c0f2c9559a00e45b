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

/**
 * Puts the neurons of each layer, and the channels of convolutions, into an order that codes well: those with the most
 * kept weights first, so that dead ones come together at the end. Neurons that a residual sum or a normalization couples
 * move together; those of grouped convolutions, of inputs and of outputs stay. What the network computes changes by
 * rounding alone, since sums run in another order.
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
    const counts = await keptInto(group, tensors)
    const order = counts.map((_, channel) => channel).sort((a, b) => counts[b]! - counts[a]! || a - b)
    await pickChannels(tensors, group, order)
  }
  const { values, masks } = valuesAndMasks(tensors, network.prunable)
  await network.put(values, masks)
}

/** How many weights that are not 0 lead into each channel of a group. */
async function keptInto(
  { producers, size }: ChannelGroup,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<number[]> {
  using held = new HeldTensors()
  const later = async (operator: string, ...values: Argument[]) =>
    held.use(Tensor.wrap(await invokeLater(operator, ...values)))
  const counts = Array.from({ length: size }, () => 0)
  for (const node of producers.filter(isPrunable)) {
    const weight = tensors.get(`${node.name}.weight`)!
    const stands = await later('ne.Scalar', weight, 0)
    const rows = parting(node).inputsFirst ? held.use(stands.transpose(0, 1)) : stands
    const flat = held.use(rows.reshape([size, product(weight.shape) / size]))
    const sums = await later('sum.dim_IntList', flat, [1])
    for (const [channel, count] of (sums.toArray() as number[]).entries()) counts[channel]! += count
  }
  return counts
}
