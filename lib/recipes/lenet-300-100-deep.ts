import { mnist } from '../data/mnist.js'
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
  // Nothing is chosen on the way, so that a small validation part does. What stands here was, on one of 10,000.
  data: (dir) => mnist(dir, { validation: 2000 }),
  // Labels as they are: smoothed ones make a better dense network, and a worse one of few weights.
  dense: { ...paper.dense, labelSmoothing: 0 },
  prune: {
    criterion: globalDensity(0.0115, { normalize: 'survivors' }),
    rounds: 14,
    retrain: {
      epochs: 40,
      lrFactor: 0.5,
      schedule: cosine(),
      regularization: l2(1e-4),
      distillation: { weight: 0.9, temperature: 4 },
    },
  },
  paper: paper.paper,
})
