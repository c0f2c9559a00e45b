import type { NativeMask } from '../binding/native.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { isPrunable, outputAxis } from '../nn/cost.js'
import { nearestLevels } from '../nn/int8.js'
import { HeldTensors } from '../tensor/held.js'
import { invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'

/**
 * Rounds the weights of all layers with connections to int8: 255 levels in each output channel, evenly spaced and on both
 * sides of 0. Zeros stay zeros, masks stay, and weights no longer share values. All layers are rounded or none.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for weights that are NaN or infinite.
 */
export async function roundWeights(network: AnyNetwork, signal?: AbortSignal): Promise<void> {
  using held = new HeldTensors()
  const later = async (operator: string, ...values: Parameters<typeof invokeLater>[1][]) =>
    held.use(Tensor.wrap(await invokeLater(operator, ...values)))
  const rounded: [name: string, values: Tensor][] = []
  const masks: NativeMask[] = []
  for (const node of network.nodes.filter(isPrunable)) {
    const name = `${node.name}.weight`
    const axis = outputAxis(node)
    const values = held.use((await network.snapshot([name])).get(name)!)
    const { levels, scales } = await nearestLevels(values, axis, signal)
    const along = values.shape.map((size, i) => (i === axis ? size : 1))
    const each = held.use(held.use(scales).reshape(along))
    rounded.push([
      name,
      await later('mul.Tensor', await later('to.dtype', held.use(levels), 'float32'), each),
    ])
    const codebook = network.codebook(node.name)
    if (codebook === undefined) continue
    for (const tensor of [codebook.index, codebook.values]) held.use(tensor)
    masks.push({ name, kind: 'sealed', keep: held.use(network.mask(node.name)!).handle })
  }
  await network.put(rounded, masks)
}
