import { Dataset } from '../../lib/data/dataset.js'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { tensor } from '../../lib/tensor/from.js'
import { losses } from '../../lib/train/losses.js'
import { device } from '../support/device.js'
import { numbers } from './toy.js'

/** Points of 6 numbers, and the sums of two of them. */
export function sums(count = 96, seed = 1): Dataset {
  const values = numbers(count * 6, seed)
  const targets = Array.from({ length: count }, (_, i) => [values[6 * i]! + values[6 * i + 1]!])
  return Dataset.from(tensor(values, { shape: [count, 6] }), tensor(targets))
}

/** A network for them. */
export const regression = () =>
  network([6], { fc1: linear(6, 16), relu: relu(), fc2: linear(16, 1) }, { device })
/** What it is trained by. */
export const loss = losses.mse()
export const plan = { epochs: 6, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16, loss }
