import { TorchPruneError } from '../errors.js'

/** Which average of the weights training ends with. */
export type Averaging =
  | { readonly kind: 'ema'; readonly decay: number }
  | { readonly kind: 'swa'; readonly start: number }

/**
 * An exponential moving average: after each step `average = decay · average + (1 - decay) · weight`, from the
 * weights of the first step on (Polyak and Juditsky 1992; torch.optim.swa_utils.get_ema_multi_avg_fn).
 */
export function ema(decay = 0.999): Averaging {
  if (decay >= 0 && decay < 1) return { kind: 'ema', decay }
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `the decay of an average must be 0 or more and under 1, got ${decay}`,
  )
}

/**
 * Stochastic weight averaging: the mean of the weights at the end of each epoch behind this share of them
 * (Izmailov et al. 2018). For learning rates that stay up: where they fall to 0, nothing is left to average.
 */
export function swa(start = 0.75): Averaging {
  if (start >= 0 && start < 1) return { kind: 'swa', start }
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `the start of an average must be 0 or more and under 1, got ${start}`,
  )
}

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
