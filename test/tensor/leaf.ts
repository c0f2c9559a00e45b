import { expect } from 'chai'

import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { balanced } from '../support/balanced.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

export function leaf(values: number[] = [1, 2, 3]): Tensor<'float32'> {
  return tensor(values, { device, requiresGrad: true })
}

/** Every test in a scope, which must leave nothing behind. */
export function scoped(body: () => void): () => void {
  return balanced(() => scope(body))
}

export function expectRefusal(attempt: () => unknown, code: string): void {
  const error = refusal(attempt)
  expect(error.code, error.message).to.equal(code)
}
