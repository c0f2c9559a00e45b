import { words } from './kind.js'
import { type OptionsOf, optional } from './option.js'

/** A memory layout as an option. */
export const memoryFormat = words('contiguous', 'channelsLast')

/**
 * `'channelsLast'` stores the channels of a pixel next to each other, which often makes convolutions on the CPU faster.
 */
export type MemoryFormat = 'contiguous' | 'channelsLast'

/** The options of `ComputeOptions`, by name. */
export const computeOptions = {
  /**
   * Memory layout of images and of the weights of convolutions. The network keeps it; files are always contiguous.
   * @default the network's current layout
   */
  memoryFormat: optional(memoryFormat),
  /**
   * Computes layers in bfloat16 or float16 wherever `torch.autocast` does. Weights, gradients, moments and the loss stay
   * float32, and masks still hold. Float16 is more exact, and ends at 65504: training in it multiplies the loss by a
   * scale, as `torch.amp.GradScaler` does, so that small gradients are not lost (Micikevicius et al. 2018, Mixed
   * Precision Training). A step whose gradients are not finite is left out. Processors without half arithmetic take many
   * times as long for float16 as for float32.
   * @default 'none'
   */
  autocast: optional(words('bfloat16', 'float16', 'none')),
}

/** How a network computes, apart from its device. */
export interface ComputeOptions extends OptionsOf<typeof computeOptions> {}
