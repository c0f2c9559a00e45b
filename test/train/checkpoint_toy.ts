import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { l2 } from '../../lib/optim/regularization.js'
import { cosine } from '../../lib/optim/schedule.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { tensor } from '../../lib/tensor/from.js'
import type { CheckpointOptions } from '../../lib/train/options/checkpoint.js'
import type { TrainOptions } from '../../lib/train/options.js'
import { device } from '../support/device.js'
import { numbers } from './toy.js'

export const SAMPLES = 44
const BATCH = 8
export const STEPS = Math.ceil(SAMPLES / BATCH)
export const EPOCHS = 3

/** Noise of three colours, in three classes that each have a bright one. */
export function pictures(count: number, seed: number): Dataset {
  const pixels = numbers(count * 3 * 36, seed).map((value, i) => {
    const [sample, channel] = [Math.floor(i / 108), Math.floor(i / 36) % 3]
    return Math.floor(64 * (value + 1) + (sample % 3 === channel ? 100 : 0))
  })
  using images = tensor([...pixels], { dtype: 'uint8', shape: [count, 3, 6, 6] })
  using labels = tensor(
    Array.from({ length: count }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels, { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
}

export const dataset = pictures(SAMPLES, 1)
export const validation = pictures(12, 2)

export function small(seed = 3) {
  const layers = {
    conv: conv2d(3, 4, 3, { bias: false }),
    norm: batchNorm2d(4),
    relu: relu(),
    flatten: flatten(),
    drop: dropout(0.3),
    fc1: linear(64, 12),
    relu1: relu(),
    fc2: linear(12, 3),
  }
  return network([3, 6, 6], layers, { seed, device })
}

export const base: TrainOptions = {
  epochs: EPOCHS,
  batchSize: BATCH,
  optimizer: sgd({ lr: 0.05, momentum: 0.9, nesterov: true }),
  schedule: cosine(),
  regularization: l2(1e-3),
  augment: { crop: { padding: 1 }, flip: true, cutout: 2 },
  validation,
  seed: 5,
  // Bits are compared. A captured step rounds its rate to float32, and the first steps of a sitting are never captured.
  capture: false,
}
// Of retraining, which has a seed and the validation part from its pruning.
const { validation: _, seed: __, ...settings } = base

export { settings }

/** All values of a network, to be compared. */
export function bitsOf(net: AnyNetwork): string {
  return net
    .tensorNames()
    .map((name) => {
      using values = net.tensor(name)
      return `${name} ${Buffer.from(toBytes(values).data).toString('base64')}`
    })
    .join('\n')
}

/** A network that is pruned, as all trainings of a case begin with. */
export async function prepared(options: Partial<TrainOptions>) {
  const net = small()
  await applyCriterion(net, criteria.magnitude().density({ conv: 0.6, fc1: 0.3 }))
  if (options.cachePrefix) net.freeze('conv', 'norm')
  return net
}

/** Work that is aborted when its training has been saved `count` times to a file; whether it came to its end. */
export async function upTo(
  count: number,
  path: string,
  work: (signal: AbortSignal, checkpoint: CheckpointOptions) => PromiseLike<unknown>,
): Promise<boolean> {
  const controller = new AbortController()
  let saved = 0
  const onSaved = () => {
    if (++saved === count) controller.abort()
  }
  try {
    await work(controller.signal, { path, minutes: 0, onSaved })
    return true
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    return false
  }
}
