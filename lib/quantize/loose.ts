import type { NativeMask } from '../binding/native.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { HeldTensors } from '../tensor/held.js'
import type { Tensor } from '../tensor/tensor.js'
import type { ValuesByLayer } from './sharing.js'

/** The weights of layers, before they share values. */
export async function ownWeights(
  network: AnyNetwork,
  values: ValuesByLayer,
  held: HeldTensors,
): Promise<ReadonlyMap<string, Tensor>> {
  const own = await network.snapshot([...values.keys()].map((layer) => `${layer}.weight`))
  for (const tensor of own.values()) held.use(tensor)
  return own
}

/**
 * Gives weights that share values their own ones back; layers go on reading each as the nearest shared value, or as the
 * cheapest where bits have a price.
 */
export async function loosen(
  network: AnyNetwork,
  own: ReadonlyMap<string, Tensor>,
  price: number | undefined,
): Promise<void> {
  await put(network, own.keys(), { kind: 'rounded', price }, own)
}

/** Ties each weight to the value that it was last read as. */
export async function tie(network: AnyNetwork, names: readonly string[]): Promise<void> {
  await put(network, names, { kind: 'codebook' })
}

/** Changes how weights share values, which each of them does by the index that it has. */
async function put(
  network: AnyNetwork,
  names: Iterable<string>,
  way: Pick<NativeMask, 'kind' | 'price'>,
  weights: Iterable<readonly [name: string, values: Tensor]> = [],
): Promise<void> {
  using held = new HeldTensors()
  const ways = Array.from(names, (name) => {
    const { index, values } = network.codebook(name.replace(/\.weight$/, ''))!
    held.use(values)
    return { name, ...way, keep: held.use(index).handle }
  })
  await network.put(weights, ways)
}
