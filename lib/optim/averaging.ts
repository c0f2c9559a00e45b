import { number } from '../base/kind.js'
import { made, optional, readOptions } from '../base/option.js'

const share = number({ least: 0, under: 1 })
export const emaOptions = {
  /**
   * What the average keeps of itself at each step.
   * @default 0.999
   */
  decay: optional(share, 0.999),
}
export const swaOptions = {
  /**
   * The share of the epochs that comes before the averaging.
   * @default 0.75
   */
  start: optional(share, 0.75),
}

/** Which average of the weights training ends with. */
export type Averaging =
  | { readonly kind: 'ema'; readonly decay: number }
  | { readonly kind: 'swa'; readonly start: number }

/**
 * An exponential moving average: after each step `average = decay · average + (1 - decay) · weight`, from the
 * weights of the first step on (Polyak and Juditsky 1992; torch.optim.swa_utils.get_ema_multi_avg_fn).
 */
export function ema(decay = emaOptions.decay.fallback): Averaging {
  return { kind: 'ema', ...readOptions('ema', emaOptions, { decay }) }
}

/**
 * Stochastic weight averaging: the mean of the weights at the end of each epoch after this share of them
 * (Izmailov et al. 2018). For learning rates that stay up: where they fall to 0, nothing is left to average.
 */
export function swa(start = swaOptions.start.fallback): Averaging {
  return { kind: 'swa', ...readOptions('swa', swaOptions, { start }) }
}

/** An average as an option. */
export const averagingKind = made<Averaging>({
  kinds: { ema: emaOptions, swa: swaOptions },
  makers: ['ema()', 'swa()'],
})

/** How far the average goes towards the weights after each step of an epoch (from 1): all the way first. */
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
