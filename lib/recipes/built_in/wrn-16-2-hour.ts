import { l2 } from '../../optim/regularization.js'
import { cosine } from '../../optim/schedule.js'
import { sgd } from '../../optim/spec.js'
import { criteria } from '../../prune/score/index.js'
import { losses } from '../../train/losses.js'
import { defineRecipe } from '../recipe.js'

/**
 * WRN-16-2 on CIFAR-10 in an hour of two CPU cores, a tenth of all weights kept: 28 epochs of dense training in one
 * cycle, then two rounds of 11. Each begins on images of 24×24, where an epoch costs 0.6 of one. A round's rate is
 * about what the dense cycle had as many epochs before its end (learning rate rewinding: Renda et al. 2020). One round
 * to a tenth ends 1.4 points behind two. So short a training still learns its samples by heart (6% of errors on them,
 * 12% on others), so the validation part is small.
 */
export default defineRecipe({
  name: 'wrn-16-2-hour',
  model: 'wrn-16-2',
  data: { kind: 'cifar10', validation: 2500 },
  dense: {
    epochs: 28,
    batchSize: 128,
    optimizer: sgd({ lr: 0.2, momentum: 0.9, nesterov: true }),
    schedule: cosine({ warmup: 0.15 }),
    regularization: l2(5e-4),
    loss: losses.crossEntropy({ labelSmoothing: 0.1 }),
    augment: { crop: { padding: 4 }, flip: true, cutout: 8 },
    progressiveResizing: { initialScale: 0.75 },
    memoryFormat: 'channelsLast',
    autocast: 'bfloat16',
  },
  prune: {
    criterion: criteria.magnitude().global(0.1),
    rounds: 2,
    densitySchedule: 'cubic',
    retrain: {
      epochs: 11,
      lrFactor: 0.5,
      schedule: cosine(),
      regularization: l2(2e-4),
      progressiveResizing: { initialScale: 0.75, delayFraction: 0.45, finetuneFraction: 0.35 },
    },
  },
})
