import { l2 } from '../../optim/regularization.js'
import { cosine } from '../../optim/schedule.js'
import { sgd } from '../../optim/spec.js'
import { criteria } from '../../prune/score/index.js'
import { losses } from '../../train/losses.js'
import { defineRecipe } from '../recipe.js'

/** The first table of the paper: LeNet-300-100 on MNIST, 12 times smaller. */
export default defineRecipe({
  name: 'lenet-300-100',
  model: 'lenet-300-100',
  data: 'mnist',
  dense: {
    epochs: 30,
    batchSize: 128,
    optimizer: sgd({ lr: 0.1, momentum: 0.9, nesterov: true }),
    schedule: cosine(),
    regularization: l2(5e-4),
    loss: losses.crossEntropy({ labelSmoothing: 0.1 }),
  },
  prune: {
    criterion: criteria.magnitude().global(0.08, { normalize: 'survivors' }),
    rounds: 4,
    retrain: {
      epochs: 12,
      lrFactor: 0.5,
      schedule: cosine(),
      regularization: l2(2e-4),
      loss: losses.crossEntropy({ labelSmoothing: 0.1 }),
      distillation: { weight: 0.7, temperature: 2 },
    },
  },
  paper: {
    reference: { top1Error: 1.64, parameters: 267_000 },
    pruned: { top1Error: 1.59, parameters: 22_000, compression: 12 },
    layers: [
      { name: 'fc1', weights: 235e3, flop: 470e3, activationDensity: 0.38, density: 0.08, flopShare: 0.08 },
      { name: 'fc2', weights: 30e3, flop: 60e3, activationDensity: 0.65, density: 0.09, flopShare: 0.04 },
      { name: 'fc3', weights: 1e3, flop: 2e3, activationDensity: 1, density: 0.26, flopShare: 0.17 },
    ],
  },
})
