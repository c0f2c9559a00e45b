import { wrn16x2 } from '../models/wrn.js'
import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { globalDensity } from '../prune/criterion.js'
import { cifar10Data } from './data.js'
import { defineRecipe } from './recipe.js'

/**
 * WRN-16-2 on CIFAR-10 in an hour of two CPU cores, a tenth of all weights kept: 16 epochs of dense training in one
 * cycle, then two rounds of eight. Half of the time is the pruned network's, for it has most to learn; the cubic
 * schedule leaves it little to lose in the last round.
 */
export default defineRecipe({
  name: 'wrn-16-2-hour',
  model: wrn16x2,
  data: cifar10Data(),
  dense: {
    epochs: 16,
    batchSize: 128,
    optimizer: sgd({ lr: 0.2, momentum: 0.9, nesterov: true }),
    schedule: cosine({ warmup: 0.15 }),
    regularization: l2(5e-4),
    augment: { crop: { padding: 4 }, flip: true },
    memoryFormat: 'channelsLast',
    autocast: 'bfloat16',
  },
  prune: {
    criterion: globalDensity(0.1),
    rounds: 2,
    densitySchedule: 'cubic',
    retrain: {
      epochs: 8,
      lrFactor: 0.5,
      schedule: cosine(),
      regularization: l2(2e-4),
      distillation: { weight: 0.5, temperature: 3 },
    },
  },
})
