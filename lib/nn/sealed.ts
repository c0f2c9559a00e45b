import { TorchPruneError } from '../base/errors.js'
import { text } from '../base/kind.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeMask } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { Tensor } from '../tensor/tensor.js'
import { besideWhat, INDEX, MASK } from './beside.js'
import type { WeightHolder } from './weight_holder.js'

/** The name of a layer's weight; `caller` stands in the error if the layer is not a string. */
export function weightOf(layer: string, caller: string): string {
  return `${text.read(layer, `${caller}: layer`)}.weight`
}

/** Throws `ERR_SEAL` while layers are spliced. `what` says what needs the pruned weights to be gone. */
export function refuseSpliced(
  network: Pick<WeightHolder, 'spliced'>,
  what: string,
  fix = 'call seal() first',
): void {
  const { spliced } = network
  if (spliced.length === 0) return
  throw new TorchPruneError(
    'ERR_SEAL',
    `${what}: the pruned weights of ${spliced.join(', ')} are spliced and may still return; ${fix}`,
  )
}

/**
 * Throws `ERR_SEAL` unless every pruned weight is +0, and weights that share a value are equal, bit for bit, in weights,
 * gradients and moments.
 */
export async function checkSealed(network: WeightHolder): Promise<void> {
  refuseSpliced(network, 'the network is not sealed')
  const broken = Object.entries(await runJob(() => loadAddon().networkUnsealedStart(network.handle)))
  if (broken.length === 0) return
  const list = broken.map(([name, count]) => `${name} (${count})`).join(', ')
  const ways = loadAddon().networkParametrizations(network.handle)
  const shared = broken.some(([name]) => ways[name.replace(/(\.weight)\..*$/, '$1')] === 'codebook')
  throw new TorchPruneError(
    'ERR_SEAL',
    shared
      ? `weights that share a value are not equal, or pruned ones not +0, in ${list}: something wrote to them past the index; quantize again`
      : `pruned weights are not +0 in ${list}: something wrote to them past the mask; set the mask again`,
  )
}

/**
 * Splits tensors by name into values, and what ties down the weights of these layers: masks (`<layer>.weight_mask`), or
 * the index of shared values (`<layer>.weight_index`).
 */
export function valuesAndMasks(
  tensors: ReadonlyMap<string, Tensor>,
  layers: readonly string[],
): { readonly values: readonly (readonly [string, Tensor])[]; readonly masks: readonly NativeMask[] } {
  const masks = layers.flatMap((layer): NativeMask[] => {
    const name = `${layer}.weight`
    const [index, keep] = [tensors.get(name + INDEX), tensors.get(name + MASK)]
    if (index) return [{ name, kind: 'codebook', keep: index.handle }]
    return keep ? [{ name, kind: 'sealed', keep: keep.handle }] : []
  })
  return { values: [...tensors].filter(([name]) => besideWhat(name) === name), masks }
}
