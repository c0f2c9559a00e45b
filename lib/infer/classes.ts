import { TorchPruneError } from '../base/errors.js'
import { whole } from '../base/kind.js'
import { largest } from '../base/lists.js'
import { type OptionsOf, optional } from '../base/option.js'

/** A class, and how sure the network is of it, 0 to 1. */
export interface Guess {
  readonly class: number
  readonly probability: number
}

export const classifyOptions = {
  /**
   * How many classes to return.
   * @default 1
   */
  top: optional(whole(1), 1),
}

export interface ClassifyOptions extends OptionsOf<typeof classifyOptions> {}

/**
 * Softmax of a sample's outputs, sorted.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for outputs that are NaN or infinite
 */
export function guesses(outputs: Float32Array): Guess[] {
  const wrong = outputs.find((value) => !Number.isFinite(value))
  if (wrong !== undefined) {
    const message = `Session.classify: the network puts out ${wrong}: look for NaN, infinite or very large numbers in the sample, or in the network's weights`
    throw new TorchPruneError('ERR_ARGUMENT', message)
  }
  const highest = largest(outputs)
  const weights = [...outputs].map((value) => Math.exp(value - highest))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  return weights
    .map((weight, index) => ({ class: index, probability: weight / sum }))
    .sort((a, b) => b.probability - a.probability || a.class - b.class)
}
