import { expect } from 'chai'
import { setEagerThreads } from '../../lib/binding/threads.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import type { Tensor } from '../../lib/tensor/tensor.js'

// A second OpenMP thread that waits for a busy core makes small operators a hundred times slower.
setEagerThreads(1)

/** The bits of a float32 tensor's elements, which tell -0 from +0. */
export function bitsOf(tensor: Tensor): Uint32Array {
  expect(tensor.dtype).to.equal('float32')
  return new Uint32Array(toBytes(tensor).data.buffer)
}

/** Expects the same bits in every element. */
export function expectSameBits(actual: Tensor, expected: Tensor, what: string): void {
  expect(actual.shape, what).to.deep.equal(expected.shape)
  expect(bitsOf(actual), what).to.deep.equal(bitsOf(expected))
}

/** Every parameter and buffer by name, as bytes that comparisons can be made on later. */
export function snapshot(network: AnyNetwork): Record<string, Uint8Array> {
  return Object.fromEntries(
    network.tensorNames().map((name) => {
      using tensor = network.tensor(name)
      return [name, toBytes(tensor).data]
    }),
  )
}
