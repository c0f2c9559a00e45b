import { boolean, seed } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { deviceKind } from '../tensor/device.js'

export const networkOptions = {
  /**
   * The seed of the initial weights, which are drawn as in PyTorch, bit for bit, and of dropout.
   * @default 0
   */
  seed: optional(seed, 0),
  /**
   * The device: `'cpu'`, `'cuda'` or `'cuda:N'`.
   * @default 'cpu'
   */
  device: optional(deviceKind, 'cpu'),
}

export interface NetworkOptions extends OptionsOf<typeof networkOptions> {}

export const forwardOptions = {
  /**
   * Whether to run in training mode, with dropout and batch statistics.
   * @default false
   */
  training: optional(boolean, false),
}

export interface ForwardOptions extends OptionsOf<typeof forwardOptions> {}
