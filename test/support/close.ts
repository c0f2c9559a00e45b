import { expect } from 'chai'

import type { Tensor } from '../../lib/tensor/tensor.js'
import { type Rounding, tolerance } from './tolerance.js'

/** Expects the same shape, dtype and, but for rounding, elements as another processor computed. */
export function expectClose(
  actual: Tensor,
  expected: Tensor,
  what: string,
  rounding: Rounding = 'network',
): void {
  expect(actual.shape, what).to.deep.equal(expected.shape)
  expect(actual.dtype, what).to.equal(expected.dtype)
  const allowed = tolerance(rounding, actual.dtype)
  const same = /float/.test(actual.dtype)
    ? actual.allclose(expected, { ...allowed, equalNan: true })
    : actual.equal(expected)
  if (!same) {
    expect.fail(`${what}: expected ${expected} within ${JSON.stringify(allowed)}, got ${actual}`)
  }
}
