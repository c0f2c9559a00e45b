/** `'channelsLast'` keeps the channels of a pixel together: convolutions on the CPU are often faster so. */
export type MemoryFormat = 'contiguous' | 'channelsLast'

/** How a network computes, beside its device. */
export interface ComputeOptions {
  /**
   * Lays images and the weights of convolutions out so, from here on: the network keeps it. Files do not, they are
   * always contiguous. As the network is unless given.
   */
  readonly memoryFormat?: MemoryFormat | undefined
  /**
   * Computes layers in bfloat16 where `torch.autocast` does. Weights, gradients, moments and the loss stay float32, and
   * masks hold. `'none'` unless given.
   */
  readonly autocast?: 'bfloat16' | 'none' | undefined
}
