import { number } from '../base/kind.js'
import { made, optional, readOptions } from '../base/option.js'

const share = number({ least: 0, under: 1 })
/** The options of `ema`, by name. */
export const emaOptions = {
  /**
   * The share of itself that the average keeps at each step.
   * @default 0.999
   */
  decay: optional(share, 0.999),
}
/** The options of `swa`, by name. */
export const swaOptions = {
  /**
   * The share of the epochs that come before averaging starts.
   * @default 0.75
   */
  start: optional(share, 0.75),
}

/** The average of the weights that training ends with. */
export type Averaging =
  | { readonly kind: 'ema'; readonly decay: number }
  | { readonly kind: 'swa'; readonly start: number }

/**
 * An exponential moving average: after each step `average = decay · average + (1 - decay) · weight`, starting with the
 * weights of the first step (Polyak and Juditsky 1992; torch.optim.swa_utils.get_ema_multi_avg_fn).
 *
 * @param decay from 0 up to but not including 1
 * @default 0.999
 */
export function ema(decay = emaOptions.decay.fallback): Averaging {
  return { kind: 'ema', ...readOptions('ema', emaOptions, { decay }) }
}

/**
 * Stochastic weight averaging: the mean of the weights at the ends of all epochs after the first `start` of them
 * (Izmailov et al. 2018). It is meant for learning rates that stay high: if they fall to 0, there is nothing left to
 * average.
 *
 * @param start a share of the epochs, from 0 up to but not including 1
 * @default 0.75
 */
export function swa(start = swaOptions.start.fallback): Averaging {
  return { kind: 'swa', ...readOptions('swa', swaOptions, { start }) }
}

/** An average as an option. */
export const averagingKind = made<Averaging>({
  kinds: { ema: emaOptions, swa: swaOptions },
  makers: ['ema()', 'swa()'],
})

/**
 * The weight of each step of an epoch (counted from 1) in the average: 1 makes the average equal to the weights, as the
 * first one does.
 */
export function averageWeights(
  averaging: Averaging,
  epoch: number,
  epochs: number,
  steps: number,
): Float64Array {
  const weights = new Float64Array(steps)
  if (averaging.kind === 'ema') {
    weights.fill(1 - averaging.decay)
    if (epoch === 1) weights[0] = 1
  } else {
    const averaged = epoch - Math.floor(averaging.start * epochs)
    if (averaged > 0) weights[steps - 1] = 1 / averaged
  }
  return weights
}
