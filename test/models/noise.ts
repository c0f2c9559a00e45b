import { crc32 } from 'node:zlib'
import { fromBytes } from '../../lib/tensor/bytes.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from '../support/device.js'

/**
 * What scripts/reference/golden_models.py computes under this name: `center + scale · u`, u uniform in [-1, 1) by a
 * hash of the position. One plain loop: networks have up to 138 million weights.
 */
function noise(name: string, shape: readonly number[], scale: number, center = 0): Tensor {
  const seed = crc32(name)
  const values = new Float32Array(size(shape))
  for (let i = 0; i < values.length; i++) {
    let x = Math.imul(i + seed, 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 15), 0x85ebca77)
    x ^= x >>> 13
    values[i] = center + scale * ((x >>> 0) / 2 ** 31 - 1)
  }
  return fromBytes({ dtype: 'float32', shape: [...shape], data: new Uint8Array(values.buffer) }, device)
}

export function noisySample(shape: readonly number[]): Tensor {
  return noise('input', [1, ...shape], 1)
}

/** A parameter or buffer of that name and shape, as the reference has it. */
export function noisyWeight(name: string, shape: readonly number[]): Tensor {
  if (shape.length > 1) return noise(name, shape, Math.sqrt(6 / size(shape.slice(1))))
  return /\.(running_var|weight)$/.test(name) ? noise(name, shape, 0.5, 1) : noise(name, shape, 0.2)
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, each) => product * each, 1)
}
