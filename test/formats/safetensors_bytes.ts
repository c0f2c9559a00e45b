/** A safetensors file with this header, which need not be JSON; `claimed` is the length that it gives for it. */
export function fileOf(header: unknown, dataBytes = 0, claimed?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(claimed ?? BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

/** How a header describes floats of a shape, from one byte of the data to another. */
export function f32(shape: unknown, begin: unknown, end: unknown) {
  return { dtype: 'F32', shape, data_offsets: [begin, end] }
}
