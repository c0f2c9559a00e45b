import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { TorchPruneError } from '../../lib/base/errors.js'
import { readCoded } from '../../lib/coded/index.js'
import { readTensorFile } from '../../lib/formats/tensor_file.js'

/**
 * What a file holds, or the message of the error, which must name a byte. Throws where the reader that is native and the
 * other one differ.
 *
 * @param path where the file may be written
 */
export async function readBoth(
  bytes: Uint8Array,
  path: string,
): Promise<string | Record<string, Uint8Array>> {
  writeFileSync(path, bytes)
  const plain = await attempt(async () => {
    const { tensors } = await readCoded(bytes)
    const held: Record<string, Uint8Array> = {}
    for (const tensor of tensors.values()) {
      held[tensor.name] = bytesOf(tensor.dense())
      const kept = tensor.kept()
      if (kept) held[`${tensor.name}_mask`] = kept
    }
    return held
  })
  // Another format may begin as damage left it.
  if (Buffer.from(bytes.subarray(0, 3)).toString() !== 'TPZ' || !(bytes[3]! >= 16)) return plain
  const native = await attempt(async () => {
    const { tensors } = await readTensorFile(path)
    return Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]))
  })
  if (typeof plain === 'string') expect(native, plain).to.equal(`${path}: ${plain}`)
  else expect(native).to.deep.equal(plain)
  return plain
}

async function attempt(
  read: () => Promise<Record<string, Uint8Array>>,
): Promise<string | Record<string, Uint8Array>> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof TorchPruneError)) throw error
    expect(error.code, error.message).to.equal('ERR_FILE')
    expect(error.message, error.message).to.match(/^[^\p{Cc}]+ at byte \d+; fetch or write it again$/u)
    return error.message
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
}

/** The bytes with something done to them. */
export function mutated(whole: Buffer, next: () => number): Buffer {
  const below = (limit: number) => Math.floor(next() * limit)
  const bytes = Buffer.from(whole)
  const at = below(bytes.length)
  switch (below(5)) {
    case 0:
      bytes[at]! ^= 1 << below(8)
      return bytes
    case 1:
      for (let i = 0; i <= below(8); i++) bytes[below(bytes.length)] = below(256)
      return bytes
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(4))])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256), below(256)]), bytes.subarray(at)])
    default:
      return bytes.fill(255, at, Math.min(at + 1 + below(8), bytes.length))
  }
}
