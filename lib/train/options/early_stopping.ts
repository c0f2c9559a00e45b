import { type Kind, number, whole, words } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'

export const earlyStoppingOptions = {
  /** Epochs in a row without a better one after which training ends. */
  patience: whole(1),
  /**
   * How much smaller the watched number must be to count as better.
   * @default 0
   */
  minDelta: optional(number({ least: 0 }), 0),
  /**
   * What is watched on the validation set.
   * @default 'error'
   */
  monitor: optional(words('error', 'loss'), 'error'),
}

/** Ends training when the validation set says that it gets no better, with the weights of the best epoch. */
export interface EarlyStoppingOptions extends OptionsOf<typeof earlyStoppingOptions> {}

export const earlyStoppingKind: Kind<ReadOf<typeof earlyStoppingOptions>, EarlyStoppingOptions> = group(
  earlyStoppingOptions,
)
