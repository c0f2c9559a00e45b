import { l2 } from '../../optim/regularization.js'
import { cosine } from '../../optim/schedule.js'
import { sgd } from '../../optim/spec.js'
import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'

/** The paper's second table: LeNet-5 on MNIST, 12 times smaller. */
export default defineRecipe({
  name: 'lenet-5',
  model: 'lenet-5',
  data: 'mnist',
  dense: {
    epochs: 12,
    batchSize: 128,
    optimizer: sgd({ lr: 0.02, momentum: 0.9, nesterov: true }),
    schedule: cosine(),
    regularization: l2(5e-4),
  },
  prune: {
    criterion: criteria.magnitude().global(0.08),
    rounds: 3,
    retrain: {
      epochs: 5,
      lrFactor: 1,
      schedule: cosine(),
      regularization: l2(3e-4),
      distillation: { weight: 0.7, temperature: 4 },
    },
  },
  paper: {
    reference: { top1Error: 0.8, parameters: 431_000 },
    pruned: { top1Error: 0.77, parameters: 36_000, compression: 12 },
    layers: [
      { name: 'conv1', weights: 0.5e3, flop: 576e3, activationDensity: 0.82, density: 0.66, flopShare: 0.66 },
      { name: 'conv2', weights: 25e3, flop: 3200e3, activationDensity: 0.72, density: 0.12, flopShare: 0.1 },
      { name: 'fc1', weights: 400e3, flop: 800e3, activationDensity: 0.55, density: 0.08, flopShare: 0.06 },
      { name: 'fc2', weights: 5e3, flop: 10e3, activationDensity: 1, density: 0.19, flopShare: 0.1 },
    ],
  },
})
