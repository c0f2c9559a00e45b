import { readFileSync } from 'node:fs'

import { parseHeader } from '../../lib/formats/header.js'
import { fromBytes } from '../../lib/tensor/bytes.js'
import type { Device } from '../../lib/tensor/device.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from './device.js'

/**
 * The cases and tensors of a fixture of scripts/reference; each call of `tensor` makes a new one, at `place`.
 * Synchronous, so that tests can be named after the cases: a test file that awaits at its top is loaded in
 * another way than the others, with a second copy of the library.
 */
export function readGolden<Fixture>(
  name: string,
  place: Device = device,
): { fixture: Fixture; keys: readonly string[]; tensor: (key: string) => Tensor } {
  const path = new URL(`../golden/${name}.safetensors`, import.meta.url).pathname
  const bytes = readFileSync(path)
  const start = 8 + Number(bytes.readBigUInt64LE())
  const { metadata, tensors } = parseHeader(bytes.subarray(8, start), bytes.length - start, path)
  return {
    fixture: JSON.parse(metadata.fixture!) as Fixture,
    keys: [...tensors.keys()],
    tensor(key) {
      const found = tensors.get(key)
      if (found === undefined) throw new Error(`the fixture ${name} has no tensor ${key}`)
      const { dtype, shape, begin, end } = found
      return fromBytes({ dtype, shape, data: bytes.subarray(start + begin, start + end) }, place)
    },
  }
}
