import { l2 } from '../optim/regularization.js'
import { cosine, step } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { criteria } from '../prune/score/index.js'
import { cifar } from './cifar.js'
import type { DensePlan, PrunePlan } from './recipe.js'

// Small networks have less to lose: Zhu and Gupta (2017) report 67.7% top-1 on ImageNet at a quarter
// of MobileNet's weights, 61.8% at a tenth, and 70.6% dense.

/** A quarter of the CONV weights stays, the largest of all layers together. */
const criterion = criteria.magnitude().global(0.25, { layers: 'conv' })

/** What the recipes of MobileNets for CIFAR-10 have in common: they train as the other networks do. */
export const mobileCifar = { ...cifar, prune: { ...cifar.prune, criterion } }

/** As torchvision trains MobileNetV2, with the batch size of a single GPU. */
const dense: DensePlan = {
  epochs: 300,
  batchSize: 256,
  optimizer: sgd({ lr: 0.045, momentum: 0.9 }),
  schedule: step(1, 0.98),
  regularization: l2(4e-5),
  augment: { resizedCrop: true, flip: true },
  memoryFormat: 'channelsLast',
}

const prune: PrunePlan<never> = {
  criterion,
  rounds: 5,
  retrain: { epochs: 20, lrFactor: 0.1, schedule: cosine() },
}

/** What the recipes of MobileNets for ImageNet have in common. */
export const mobileImageNet = { data: 'images' as const, dense, prune }
