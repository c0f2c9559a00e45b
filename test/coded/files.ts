import { crc32 } from 'node:zlib'
import { MAGIC, PROFILES, type Profile, VERSION } from '../../lib/coded/container.js'
import { pack } from '../../lib/formats/coded/pack.js'
import { writeVarint } from '../../lib/formats/coded/varint.js'

/** A coded file from its parts, with the checksum that belongs to them. */
export function fileOf(
  text: string,
  blocks: readonly Uint8Array[],
  {
    profile = 'compact',
    textLength = Buffer.byteLength(text),
  }: { profile?: Profile; textLength?: number } = {},
): Buffer {
  const packed = pack(text)
  return withSum(
    Buffer.concat([
      Buffer.from([...MAGIC, (VERSION << 4) | PROFILES.indexOf(profile)]),
      writeVarint(textLength),
      writeVarint(packed.length),
      packed,
      ...blocks.flatMap((block) => [writeVarint(block.length), block]),
    ]),
  )
}

/** The bytes and their checksum. */
export function withSum(body: Uint8Array): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(body))
  return Buffer.concat([body, sum])
}

/** A description of one layer, or of others, and of tensors. */
export function descriptionOf(
  tensors: unknown,
  layers: unknown = [{ name: 'fc', layer: { kind: 'relu' } }],
): string {
  return JSON.stringify({ graph: { input: [2], layers }, tensors })
}
