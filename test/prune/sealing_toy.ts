import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import type { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2, noRegularization } from '../../lib/optim/regularization.js'
import { adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { randint, randn } from '../../lib/tensor/factories.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { expectSealed } from './sealed.js'

export const SPECS: Record<string, OptimizerSpec> = {
  'plain SGD': sgd({ lr: 0.1 }),
  momentum: sgd({ lr: 0.1, momentum: 0.9 }),
  Nesterov: sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'weight decay': sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
  dampening: sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }),
  Adam: adam({ lr: 0.05 }),
  'Adam with weight decay': adam({ lr: 0.05, weightDecay: 0.1, eps: 1e-30 }),
  amsgrad: adam({ lr: 0.05, amsgrad: true, weightDecay: 0.1 }),
  AdamW: adamw({ lr: 0.05, weightDecay: 0.5 }),
  'AdamW with amsgrad': adamw({ lr: 0.05, weightDecay: 0.5, amsgrad: true }),
}
export const REGULARIZATIONS = [noRegularization, l1(0.01), l2(0.01)]

export const make = () =>
  network(
    [2, 5, 5],
    { conv: conv2d(2, 4, 3), bn: batchNorm2d(4), relu: relu(), flatten: flatten(), fc: linear(36, 3) },
    { seed: 3, device },
  )
export type Net = ReturnType<typeof make>

/** Prunes about half of the weights, the first ones among them. */
export async function maskAll(net: Net): Promise<void> {
  for (const layer of net.prunable) {
    using weight = net.tensor(`${layer}.weight`)
    using keep = randn(weight.shape, { device }).gt(0)
    keep.flatten().narrow(0, 0, 3).fill_(false)
    await net.setMask(layer, keep)
  }
}

/** Forward and backward on random samples; the loss times `factor`. */
export function backward(net: Net, factor = 1): void {
  scope(() => {
    const logits = net.forward(randn([8, 2, 5, 5], { device }), { training: true })
    crossEntropy(logits, randint(0, 3, [8], { device }).long())
      .mul(factor)
      .backward()
  })
}

export async function steps(net: Net, optimizer: Optimizer, count = 3): Promise<void> {
  for (let i = 0; i < count; i++) {
    optimizer.zeroGrad()
    backward(net)
    await expectSealed(net, optimizer)
    optimizer.step()
    await expectSealed(net, optimizer)
  }
}
