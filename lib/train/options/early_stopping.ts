import { type Kind, number, whole, words } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'

export const earlyStoppingOptions = {
  /** Training ends after this number of epochs in a row that are no better than the best one. */
  patience: whole(1),
  /**
   * How much smaller the monitored number must be to count as better.
   * @default 0
   */
  minDelta: optional(number({ least: 0 }), 0),
  /**
   * The number that is monitored on the validation set.
   * @default 'error'
   */
  monitor: optional(words('error', 'loss'), 'error'),
}

/** Ends training when results on the validation set stop improving, with the weights of the best epoch. */
export interface EarlyStoppingOptions extends OptionsOf<typeof earlyStoppingOptions> {}

export const earlyStoppingKind: Kind<ReadOf<typeof earlyStoppingOptions>, EarlyStoppingOptions> = group(
  earlyStoppingOptions,
)
