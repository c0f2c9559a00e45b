import { l2 } from '../optim/regularization.js'
import { step } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { criteria } from '../prune/score/index.js'
import type { DensePlan, PrunePlan } from './recipe.js'

/** AlexNet and VGG as they were published: SGD at 0.01, a tenth of it twice, L2 (Krizhevsky et al. 2012). */
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

/** Their pruning: a fifth of the CONV weights kept, by magnitude over all of them. */
export const residualPruning: PrunePlan<never> = {
  criterion: criteria.magnitude().global(0.2, { layers: 'conv' }),
  rounds: 5,
  retrain: { epochs: 10, lrFactor: 0.1 },
}

/**
 * What the paper does around its thresholds on ImageNet: FC layers first and the CONV layers fixed, then the other way
 * round, in every round; a hundredth of the first learning rate (sections 3.3 and 4.2). Dropout follows its rule.
 */
export const paperRetraining: Omit<PrunePlan<never>, 'criterion'> = {
  phases: 'alternate',
  retrain: { epochs: 20, lrFactor: 0.01 },
}
