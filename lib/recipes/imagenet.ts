import { l2 } from '../optim/regularization.js'
import { step } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { criteria } from '../prune/score/index.js'
import type { DensePlan, PrunePlan } from './recipe.js'

/** AlexNet and VGG as published: SGD at 0.01, which is divided by ten twice, and L2 (Krizhevsky et al. 2012). */
export const plainTraining: DensePlan = {
  epochs: 90,
  batchSize: 128,
  optimizer: sgd({ lr: 0.01, momentum: 0.9 }),
  schedule: step(30),
  regularization: l2(5e-4),
  augment: { crop: {}, flip: true },
  memoryFormat: 'channelsLast',
}

/** Residual networks as torchvision trains them. */
export const residualTraining: DensePlan = {
  epochs: 90,
  batchSize: 256,
  optimizer: sgd({ lr: 0.1, momentum: 0.9 }),
  schedule: step(30),
  regularization: l2(1e-4),
  augment: { resizedCrop: true, flip: true },
  memoryFormat: 'channelsLast',
}

/** How they are pruned: a fifth of the CONV weights stays, the largest of all layers together. */
export const residualPruning: PrunePlan<never> = {
  criterion: criteria.magnitude().global(0.2, { layers: 'conv' }),
  rounds: 5,
  retrain: { epochs: 10, lrFactor: 0.1 },
}

/**
 * How the paper prunes on ImageNet, besides its thresholds: in every round, it prunes the FC layers while the CONV
 * layers are frozen, and then the other way round, at a hundredth of the first learning rate (sections 3.3 and 4.2).
 * Dropout follows the square-root rule.
 */
export const paperRetraining: Omit<PrunePlan<never>, 'criterion'> = {
  phases: 'alternate',
  retrain: { epochs: 20, lrFactor: 0.01 },
}
