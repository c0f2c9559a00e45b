import { wrn16x2 } from '../models/wrn.js'
import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { globalDensity } from '../prune/criterion.js'
import { cifar10Data } from './data.js'
import { defineRecipe } from './recipe.js'

/**
 * WRN-16-2 on CIFAR-10 in an hour of two CPU cores, a tenth of all weights kept: 28 epochs of dense training in one
 * cycle, the first of them on images of 24×24, then two rounds of nine. So short a training still learns its samples by
 * heart (6% of errors on them, 12% on others), so the validation part is small. One round to a tenth ends 1.4 points
 * behind two.
 */
export default defineRecipe({
  name: 'wrn-16-2-hour',
  model: wrn16x2,
  data: cifar10Data({ validation: 2500 }),
  dense: {
    epochs: 28,
    batchSize: 128,
    optimizer: sgd({ lr: 0.2, momentum: 0.9, nesterov: true }),
    schedule: cosine({ warmup: 0.15 }),
    regularization: l2(5e-4),
    labelSmoothing: 0.1,
    augment: { crop: { padding: 4 }, flip: true, cutout: 8 },
    progressiveResizing: { initialScale: 0.75 },
    memoryFormat: 'channelsLast',
    autocast: 'bfloat16',
  },
  prune: {
    criterion: globalDensity(0.1),
    rounds: 2,
    densitySchedule: 'cubic',
    retrain: {
      epochs: 9,
      lrFactor: 0.3,
      schedule: cosine(),
      regularization: l2(2e-4),
    },
  },
})
