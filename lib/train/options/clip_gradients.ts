import { type Kind, number } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'

export const clipOptions = {
  /**
   * The largest L2 norm of all gradients together (torch.nn.utils.clip_grad_norm_).
   * @default no limit
   */
  norm: optional(number({ over: 0 })),
  /**
   * The largest magnitude of each gradient (torch.nn.utils.clip_grad_value_).
   * @default no limit
   */
  value: optional(number({ over: 0 })),
}

/** How gradients are clipped before each step of the optimizer. Pruned weights do not count in the norm. */
export interface ClipGradients extends OptionsOf<typeof clipOptions> {}

export const clipKind: Kind<ReadOf<typeof clipOptions>, ClipGradients> = group(clipOptions)
