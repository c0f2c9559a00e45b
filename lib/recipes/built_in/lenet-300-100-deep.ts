import { l2 } from '../../optim/regularization.js'
import { cosine } from '../../optim/schedule.js'
import { criteria } from '../../prune/score/index.js'
import { losses } from '../../train/losses.js'
import { defineRecipe } from '../recipe.js'
import paper from './lenet-300-100.js'

/** LeNet-300-100 past the paper: many small rounds down to 80 times fewer parameters, each state kept. */
export default defineRecipe({
  name: 'lenet-300-100-deep',
  model: 'lenet-300-100-dropout',
  // Nothing is chosen on the way, so that a small validation part does. What stands here was, on one of 10,000.
  data: { kind: 'mnist', validation: 2000 },
  // Dropout of pixels lets the dense network err as seldom as smoothed labels do, which make a bad teacher of few weights.
  dense: { ...paper.dense, epochs: 60, loss: losses.crossEntropy() },
  prune: {
    criterion: criteria.magnitude().global(0.0115, { normalize: 'survivors' }),
    rounds: 14,
    // Few weights have no capacity to spare: dropout of 0.05 cost them 0.15 points.
    adjustDropout: 'off',
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
