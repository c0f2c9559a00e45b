import { words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'
import { CODEBOOK, INDEX, MASK } from './beside.js'
import type { WeightHolder } from './weight_holder.js'

/** How masks are stored with a network's tensors. */
export const maskOptions = {
  /**
   * `'weight_mask'` stores each mask next to its weight, in which pruned weights are 0, and next to weights that share
   * values `'weight_index'` and `'weight_codebook'`, for which `weight = weight_codebook[weight_index]`. `'weight_orig'`
   * stores masks as torch.nn.utils.prune does, with float32 masks, for a module on which `prune.identity` was called.
   * `'none'` stores weights alone, which the strict `load_state_dict` of a plain module takes.
   * @default 'weight_mask'
   */
  masks: optional(words('weight_mask', 'weight_orig', 'none'), 'weight_mask'),
}

/** Options of `Network.save()` and `Network.stateDict()`. */
export interface MaskOptions extends OptionsOf<typeof maskOptions> {}

/** Returns copies of a network's tensors, under PyTorch's names. */
export async function stateOf(
  network: WeightHolder,
  masks: NonNullable<MaskOptions['masks']>,
): Promise<Map<string, Tensor>> {
  const state = await network.snapshot()
  if (masks === 'none') return state
  for (const layer of network.prunable) {
    const mask = network.mask(layer)
    if (mask === undefined) continue
    const name = `${layer}.weight`
    if (masks === 'weight_mask') {
      state.set(name + MASK, mask)
      const codebook = network.codebook(layer)
      if (codebook) state.set(name + INDEX, codebook.index).set(name + CODEBOOK, codebook.values)
      continue
    }
    using bools = mask
    state.set(`${name}_orig`, state.get(name)!)
    state.delete(name)
    state.set(name + MASK, Tensor.wrap(await invokeLater('to.dtype', bools, 'float32')))
  }
  return state
}
