import { sgd } from '../../lib/optim/spec.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { toyData, toyNetwork } from './toy.js'

/** A short training of the toy. */
export const optimizer = sgd({ lr: 0.1, momentum: 0.9 })
export const options = { epochs: 2, optimizer, batchSize: 16 }

/** The bits of a toy network that was trained from this seed on. */
export async function trained(seed: number, more: object = {}) {
  using net = toyNetwork()
  await train(net, toyData(), { ...options, seed, ...more })
  return snapshot(net)
}
