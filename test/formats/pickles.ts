import { zip } from './zip.js'

/** Pieces of pickles, by the opcodes that torch.save writes. */

export const text = (value: string) => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([Buffer.from('X'), length, bytes])
}
export const int = (value: number) => {
  const bytes = Buffer.from('J\0\0\0\0')
  bytes.writeInt32LE(value, 1)
  return bytes
}
export const long = (...bytes: number[]) => Buffer.from([0x8a, bytes.length, ...bytes])
export const global = (name: string) => Buffer.from(`c${name.replace(/\.([^.]*)$/, '\n$1')}\n`)
export const tuple = (...items: Uint8Array[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')])
export const persistent = (count = int(4), key = '0', type = 'torch.FloatStorage') =>
  Buffer.concat([tuple(text('storage'), global(type), text(key), text('cpu'), count), Buffer.from('Q')])
export const dict = (...items: Uint8Array[]) =>
  Buffer.concat([Buffer.from('\x80\x02}(', 'latin1'), ...items, Buffer.from('u.')])
export const rebuilt = (storage: Uint8Array, offset: Uint8Array, size: Uint8Array[], stride: Uint8Array[]) =>
  Buffer.concat([
    global('torch._utils._rebuild_tensor_v2'),
    tuple(storage, offset, tuple(...size), tuple(...stride), Buffer.from([0x89]), Buffer.from('N')),
    Buffer.from('R'),
  ])
export const vector = (storage = persistent(), offset = int(0), size = int(4), stride = int(1)) =>
  rebuilt(storage, offset, [size], [stride])
export const archive = (pickle: Uint8Array, more: Record<string, Uint8Array | string> = {}) =>
  zip({ 'a/data.pkl': pickle, 'a/byteorder': 'little', 'a/data/0': new Uint8Array(16), ...more })
