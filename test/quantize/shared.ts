import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import type { Optimizer } from '../../lib/optim/optimizer.js'
import { share } from '../../lib/quantize/sharing.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { bitsOf } from '../nn/bits.js'

/** As `expectSharedBits()`, and holds assertSealed() against it. */
export async function expectShared(
  network: AnyNetwork,
  ...optimizers: readonly Optimizer[]
): Promise<number> {
  await network.assertSealed()
  return expectSharedBits(network, ...optimizers)
}

/**
 * Expects the same bits in all weights of an index, and those of +0 at index 0: in weights, gradients and the moments of
 * the optimizers. Returns how many groups of weights were looked at.
 */
export function expectSharedBits(network: AnyNetwork, ...optimizers: readonly Optimizer[]): number {
  return scope(() => {
    let looked = 0
    const look = (what: string, values: Tensor, index: readonly number[]) => {
      const bits = bitsOf(values)
      expect(bits.length, what).to.equal(index.length)
      const first = new Map([[0, 0]])
      bits.forEach((each, i) => {
        const wanted = first.get(index[i]!) ?? each
        first.set(index[i]!, wanted)
        if (each !== wanted) {
          expect.fail(
            `${what}[${i}] of index ${index[i]}: 0x${each.toString(16)}, not 0x${wanted.toString(16)}`,
          )
        }
      })
      looked += first.size
    }
    for (const layer of network.prunable) {
      const codebook = network.codebook(layer)
      if (codebook === undefined) continue
      const index = Array.from(codebook.index.data(), Number)
      const weight = network.tensor(`${layer}.weight`)
      look(layer, weight.detach(), index)
      const { grad } = weight
      if (grad !== undefined) look(`${layer}.grad`, grad.detach(), index)
      for (const optimizer of optimizers) {
        const state = optimizer.state().get(`${layer}.weight`)
        for (const [name, moment] of Object.entries(state?.moments ?? {}))
          look(`${layer}.${name}`, moment, index)
      }
    }
    return looked
  })
}

/** Gives every layer's weights so many values to share. */
export async function shareAll(network: AnyNetwork, values: number): Promise<void> {
  await share(network, new Map(network.prunable.map((layer) => [layer, values])))
}
