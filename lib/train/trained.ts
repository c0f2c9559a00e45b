import type { AnyNetwork } from '../nn/network.js'
import type { TrainOptions } from './train.js'

/** How a network was last trained, so that retraining can start from the same rate. */
export type Trained = Pick<
  TrainOptions,
  'optimizer' | 'batchSize' | 'regularization' | 'augment' | 'autocast'
>

const lastTraining = new WeakMap<object, Trained>()

export function howTrained(network: AnyNetwork): Trained | undefined {
  return lastTraining.get(network)
}

export function noteTraining(network: AnyNetwork, trained: Trained): void {
  lastTraining.set(network, trained)
}
