import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { criteria } from '../prune/score/index.js'
import type { DensePlan, PrunePlan } from './recipe.js'

// As in github.com/jack-willturner/deep-compression, the code that the paper's summary names.

const dense: DensePlan = {
  epochs: 200,
  batchSize: 128,
  optimizer: sgd({ lr: 0.1, momentum: 0.9 }),
  schedule: cosine(),
  regularization: l2(5e-4),
  augment: { crop: { padding: 4 }, flip: true, cutout: 16 },
  memoryFormat: 'channelsLast',
}

/**
 * Global magnitude of the CONV layers, down to a tenth of their weights in equal steps. That code trains for a hundred
 * steps after each, at the learning rate that is left, which is almost 0; here each round trains at its own rate.
 */
const prune: PrunePlan<never> = {
  criterion: criteria.magnitude().global(0.1, { layers: 'conv' }),
  rounds: 15,
  densitySchedule: 'linear',
  retrain: { epochs: 4, lrFactor: 0.1, schedule: cosine() },
}

/** Everything that the recipes for CIFAR-10 have in common: all but the name and the model. */
export const cifar = { data: 'cifar10' as const, dense, prune }
