import { expect } from 'chai'

import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from './device.js'

// CUDA sums in another order, and its convolutions may use TF32.
const TOLERANCE = device === 'cpu' ? 2e-6 : 2e-3

/** Expects the same shape, dtype and, but for rounding, elements. */
export function expectClose(actual: Tensor, expected: Tensor, what: string): void {
  expect(actual.shape, what).to.deep.equal(expected.shape)
  expect(actual.dtype, what).to.equal(expected.dtype)
  const same = actual.dtype.startsWith('float')
    ? actual.allclose(expected, { rtol: TOLERANCE, atol: TOLERANCE, equalNan: true })
    : actual.equal(expected)
  if (!same) expect.fail(`${what}: expected ${expected}, got ${actual}`)
}
