import { Dataset } from '../../lib/data/dataset.js'
import { dropout, linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'
import { device } from '../support/device.js'

/** Numbers in -1..1 that are the same everywhere: a linear congruential generator (Numerical Recipes). */
export function numbers(count: number, seed = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** Points of 6 numbers; the class is which pair has the largest sum. */
export function toyData(count = 96, seed = 1): Dataset {
  const values = numbers(count * 6, seed)
  const labels = Array.from({ length: count }, (_, i) => {
    const sums = [0, 2, 4].map((at) => values[6 * i + at]! + values[6 * i + at + 1]!)
    return sums.indexOf(Math.max(...sums))
  })
  using images = tensor(values, { shape: [count, 6] })
  using classes = tensor(labels, { dtype: 'int64' })
  return Dataset.from(images, classes)
}

export function toyNetwork(seed = 0) {
  const layers = { fc1: linear(6, 16), relu1: relu(), drop: dropout(0.2), fc2: linear(16, 3) }
  return network([6], layers, { seed, device })
}

/** Lets promises go on without a turn of the event loop: a job can start, and cannot yet end. */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < 50; i++) await null
}
