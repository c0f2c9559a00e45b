import { lenet300100 } from '../models/lenet300100.js'
import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { globalDensity } from '../prune/criterion.js'
import paper from './lenet-300-100.js'
import { defineRecipe } from './recipe.js'

/** LeNet-300-100 past the paper: many small rounds down to 80 times fewer parameters, each state kept. */
export default defineRecipe({
  name: 'lenet-300-100-deep',
  model: lenet300100,
  data: paper.data,
  // Labels as they are: smoothed ones make a better dense network, and a worse one of few weights.
  dense: { ...paper.dense, labelSmoothing: 0 },
  prune: {
    criterion: globalDensity(0.0115, { normalize: 'survivors' }),
    rounds: 14,
    retrain: {
      epochs: 30,
      lrFactor: 0.5,
      schedule: cosine(),
      regularization: l2(2e-4),
      distillation: { weight: 0.7, temperature: 4 },
    },
  },
  paper: paper.paper,
})
