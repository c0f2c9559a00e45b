import { TorchPruneError } from '../base/errors.js'
import { product } from '../base/lists.js'
import type { ReadOf } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { HeldTensors } from '../tensor/held.js'
import { invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'
import type { quantizeOptions } from './options.js'

/** The parameters that are no weights of layers with connections: biases, and the factors of normalization. */
function biasesOf(network: AnyNetwork): { readonly name: string; readonly count: number }[] {
  const weights = new Set(network.prunable.map((layer) => `${layer}.weight`))
  return loadAddon()
    .networkTensors(network.handle)
    .filter(({ name, parameter }) => parameter && !weights.has(name))
    .map(({ name, shape }) => ({ name, count: product(shape) }))
}

/** Whether so few values are worth a table of them. */
const worthSharing = (count: number, values: number) => count >= 2 * values

/** The bytes that they take. */
export function biasBytes(
  network: AnyNetwork,
  { biases, biasValues }: Pick<ReadOf<typeof quantizeOptions>, 'biases' | 'biasValues'>,
): number {
  const each = biases === 'float16' ? 2 : 4
  return biasesOf(network).reduce((sum, { count }) => {
    if (biasValues === undefined || !worthSharing(count, biasValues)) return sum + each * count
    return sum + each * biasValues + (count * Math.log2(biasValues)) / 8
  }, 0)
}

/**
 * Gives the biases of each layer a few values to share. They are not tied to them, so that training moves each again.
 */
export async function shareBiases(network: AnyNetwork, values: number, signal?: AbortSignal): Promise<void> {
  const names = biasesOf(network)
    .filter(({ count }) => worthSharing(count, values))
    .map(({ name }) => name)
  if (names.length === 0) return
  const shared = names.map((name) => ({ name, values }))
  await runJob(() => loadAddon().quantizeShare(network.handle, shared), signal)
  await network.put(
    [],
    names.map((name) => ({ name, kind: 'none' })),
  )
}

/**
 * Rounds biases, and the factors of normalization, to a shorter format.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for one that is too large for it; nothing is rounded then.
 */
export async function roundBiases(network: AnyNetwork, dtype: 'float16'): Promise<void> {
  using held = new HeldTensors()
  const names = biasesOf(network).map(({ name }) => name)
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
