import { conv2d, flatten, linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { randn } from '../../lib/tensor/factories.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from '../support/device.js'

export const make = () =>
  network([2, 5, 5], { conv: conv2d(2, 4, 3), flat: flatten(), fc: linear(36, 3) }, { seed: 3, device })
export type Net = ReturnType<typeof make>

export const half = (shape: readonly number[]) => randn(shape, { device }).gt(0)

/** Splices about half of the weights. */
export async function spliceAll(net: Net): Promise<void> {
  for (const layer of net.prunable) {
    using keep = half(net.tensor(`${layer}.weight`).shape)
    await net.splice(layer, keep)
  }
}

export function backward(net: Net, input: Tensor, factor = 1): void {
  scope(() => net.forward(input, { training: true }).square().sum().mul(factor).backward())
}
