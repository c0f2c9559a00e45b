import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import type { Optimizer } from '../../lib/optim/optimizer.js'
import { adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { randint, randn } from '../../lib/tensor/factories.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { expectShared, shareAll } from './shared.js'

export const SPECS: Record<string, OptimizerSpec> = {
  'plain SGD': sgd({ lr: 0.1 }),
  momentum: sgd({ lr: 0.1, momentum: 0.9 }),
  Nesterov: sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  Adam: adam({ lr: 0.05, weightDecay: 0.1, eps: 1e-30 }),
  amsgrad: adam({ lr: 0.05, amsgrad: true }),
  AdamW: adamw({ lr: 0.05, weightDecay: 0.5 }),
}

/** A small network with a layer of each kind that shares values. */
export const make = () =>
  network(
    [2, 5, 5],
    { conv: conv2d(2, 4, 3), bn: batchNorm2d(4), relu: relu(), flatten: flatten(), fc: linear(36, 7) },
    { seed: 3, device },
  )
export type Net = ReturnType<typeof make>

/** A network of which half is pruned, and the rest shares values. */
export async function shared(values = 5): Promise<Net> {
  const net = make()
  await applyCriterion(net, criteria.magnitude().density(0.5))
  await shareAll(net, values)
  return net
}

/** Forward and backward on random samples; the loss times `factor`. */
export function backward(net: Net, factor = 1): void {
  scope(() => {
    const logits = net.forward(randn([8, 2, 5, 5], { device }), { training: true })
    crossEntropy(logits, randint(0, 7, [8], { device }).long())
      .mul(factor)
      .backward()
  })
}

/** Steps of training, each of them looked at. */
export async function steps(net: Net, optimizer: Optimizer, count = 3): Promise<void> {
  for (let i = 0; i < count; i++) {
    optimizer.zeroGrad()
    backward(net)
    await expectShared(net, optimizer)
    optimizer.step()
    await expectShared(net, optimizer)
  }
}
