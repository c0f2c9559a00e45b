import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { HeldTensors } from '../tensor/held.js'
import { invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'

/**
 * Rounds the parameters that are no weights of layers with connections to a shorter format: biases, and the factors of
 * normalization.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for one that is too large for it; nothing is rounded then.
 */
export async function roundBiases(network: AnyNetwork, dtype: 'float16'): Promise<void> {
  using held = new HeldTensors()
  const weights = new Set(network.prunable.map((layer) => `${layer}.weight`))
  const names = loadAddon()
    .networkTensors(network.handle)
    .filter(({ name, parameter }) => parameter && !weights.has(name))
    .map(({ name }) => name)
  const rounded: [name: string, values: Tensor][] = []
  for (const [name, values] of await network.snapshot(names)) {
    held.use(values)
    const short = held.use(Tensor.wrap(await invokeLater('to.dtype', values, dtype)))
    if (!held.use(held.use(short.isfinite()).all()).item()) {
      throw new TorchPruneError('ERR_ARGUMENT', `'${name}' is too large for ${dtype}: leave biases out`)
    }
    rounded.push([name, held.use(Tensor.wrap(await invokeLater('to.dtype', short, 'float32')))])
  }
  await network.put(rounded)
}
