import { deriveSeed } from '../base/seed.js'
import type { EpochOptions } from '../binding/native.js'
import { constant, rateFactor } from '../optim/schedule.js'
import type { Average } from './average.js'
import type { ImageSize } from './progressive.js'
import type { Training } from './training.js'

/** What an epoch is to do, as the addon takes it. */
export interface EpochPlan extends EpochOptions {
  readonly rates: Float64Array
  readonly seed: number
}

/** Plans an epoch (counted from 1) of `steps` steps, which are infinite if they are not known. */
export async function planEpoch(
  epoch: number,
  steps: number,
  seed: number,
  options: Training,
  more: { readonly average?: Average | undefined; readonly size?: ImageSize | undefined },
): Promise<EpochPlan> {
  const { epochs, splicing } = options
  return {
    rates: ratesOf(epoch, steps, options),
    seed: deriveSeed(seed, epoch),
    size: more.size,
    averageWeights: more.average?.weights(epoch, epochs, steps),
    splicing: await splicing?.plan((epoch - 1) * steps, steps, epochs * steps),
  }
}

/** The learning rate of each step. If the number of steps is not known, each epoch has one rate. */
function ratesOf(
  epoch: number,
  steps: number,
  { epochs, optimizer: { lr }, schedule = constant() }: Training,
): Float64Array {
  if (!Number.isFinite(steps)) return Float64Array.of(lr * rateFactor(schedule, epoch - 1, epochs, 1))
  const first = (epoch - 1) * steps
  return Float64Array.from(
    { length: steps },
    (_, i) => lr * rateFactor(schedule, first + i, epochs * steps, steps),
  )
}
