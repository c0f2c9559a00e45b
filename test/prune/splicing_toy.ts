import { sgd } from '../../lib/optim/spec.js'
import { criteria } from '../../lib/prune/score/index.js'
import { toyData } from '../train/toy.js'

export const toy = (count = 96) => ({ train: toyData(count), validation: toyData(32, 2) })
export const options = {
  criterion: criteria.magnitude().density({ fc1: 0.25, fc2: 0.5 }),
  epochs: 4,
  optimizer: sgd({ lr: 0.2, momentum: 0.9 }),
  batchSize: 16,
  every: 2,
} as const
