import { boolean, seed } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { deviceKind } from '../tensor/device.js'

export const networkOptions = {
  /**
   * Seeds the initial weights (PyTorch's defaults, bit for bit) and dropout.
   * @default 0
   */
  seed: optional(seed, 0),
  /**
   * `'cpu'`, `'cuda'` or `'cuda:N'`.
   * @default 'cpu'
   */
  device: optional(deviceKind, 'cpu'),
}

export interface NetworkOptions extends OptionsOf<typeof networkOptions> {}

export const forwardOptions = {
  /**
   * Switches dropout and batch statistics on.
   * @default false
   */
  training: optional(boolean, false),
}

export interface ForwardOptions extends OptionsOf<typeof forwardOptions> {}
