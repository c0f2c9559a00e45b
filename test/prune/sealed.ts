import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import type { Optimizer } from '../../lib/optim/optimizer.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { bitsOf } from '../nn/bits.js'

/** As `expectSealedBits()`, and holds assertSealed() against it. */
export async function expectSealed(
  network: AnyNetwork,
  ...optimizers: readonly Optimizer[]
): Promise<number> {
  await network.assertSealed()
  return expectSealedBits(network, ...optimizers)
}

/**
 * Expects the bits of +0 wherever a mask prunes: in weights, gradients and the moments of the optimizers. Returns how
 * many places were looked at.
 */
export function expectSealedBits(network: AnyNetwork, ...optimizers: readonly Optimizer[]): number {
  return scope(() => {
    let looked = 0
    const look = (what: string, values: Tensor, keep: Uint8Array) => {
      const bits = bitsOf(values)
      expect(bits.length, what).to.equal(keep.length)
      const alive = bits.findIndex((each, i) => keep[i] === 0 && each !== 0)
      if (alive >= 0)
        expect.fail(`${what}[${alive}] is pruned, and its bits are 0x${bits[alive]!.toString(16)}`)
      looked += keep.filter((each) => each === 0).length
    }
    for (const layer of network.prunable) {
      const mask = network.mask(layer)
      if (mask === undefined) continue
      const keep = mask.data()
      const weight = network.tensor(`${layer}.weight`)
      look(layer, weight.detach(), keep)
      const { grad } = weight
      if (grad !== undefined) look(`${layer}.grad`, grad.detach(), keep)
      for (const optimizer of optimizers) {
        const state = optimizer.state().get(`${layer}.weight`)
        for (const [name, moment] of Object.entries(state?.moments ?? {}))
          look(`${layer}.${name}`, moment, keep)
      }
    }
    return looked
  })
}
