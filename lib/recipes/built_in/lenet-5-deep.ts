import { l2 } from '../../optim/regularization.js'
import { cosine } from '../../optim/schedule.js'
import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import paper from './lenet-5.js'

/** LeNet-5 past the paper: ten rounds, each of which leaves a little over half of the weights, each state kept. */
export default defineRecipe({
  name: 'lenet-5-deep',
  model: 'lenet-5-dropout',
  // Nothing is chosen on the way, so that a small validation part does.
  data: { kind: 'mnist', validation: 2000 },
  // As for LeNet-300-100: dropout, more epochs a round, less regularisation of the weights that are left.
  dense: { ...paper.dense, epochs: 20, memoryFormat: 'channelsLast' },
  prune: {
    criterion: criteria.magnitude().global(0.0024),
    rounds: 10,
    adjustDropout: 'off',
    retrain: {
      epochs: 10,
      lrFactor: 1,
      schedule: cosine(),
      regularization: l2(1e-4),
      memoryFormat: 'channelsLast',
      distillation: { weight: 0.9, temperature: 4 },
    },
  },
  paper: paper.paper,
})
