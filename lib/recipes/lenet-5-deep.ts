import { lenet5 } from '../models/lenet5.js'
import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { globalDensity } from '../prune/criterion.js'
import paper from './lenet-5.js'
import { defineRecipe } from './recipe.js'

/** LeNet-5 past the paper: ten rounds, each of which halves the weights, each state kept. */
export default defineRecipe({
  name: 'lenet-5-deep',
  model: lenet5,
  data: paper.data,
  dense: { ...paper.dense, labelSmoothing: 0.1 },
  prune: {
    criterion: globalDensity(0.0026),
    rounds: 10,
    retrain: {
      epochs: 6,
      lrFactor: 1,
      schedule: cosine(),
      regularization: l2(2e-4),
      labelSmoothing: 0,
      distillation: { weight: 0.9, temperature: 4 },
    },
  },
  paper: paper.paper,
})
