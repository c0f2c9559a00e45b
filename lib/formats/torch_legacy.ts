import type { FileHandle } from 'node:fs/promises'
import { bytesPerElement } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { allocate, quoted, readFully, refuse } from '../base/files.js'
import { MAX_HEADER_BYTES } from './header.js'
import { unpickleAt } from './pickle.js'
import { isKind } from './pickle_values.js'
import { stateDictHost, type TorchStorage, type TorchTensor, tensorsOf } from './state_dict.js'

/** Where bytes are in a file. */
export interface Stretch {
  readonly start: number
  readonly size: number
}

/** What torch.save wrote before a file's pickles until PyTorch 1.6 (torch/serialization.py). */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn
const PROTOCOL_VERSION = 1001
const DAMAGED = 'it is damaged or cut short: fetch or write it again'
const SAVE_AGAIN = 'save it again in Python: torch.save(torch.load(file, weights_only=True), file)'

// The pickles come before the data, and their length is not recorded, so this much of the file is read at first.
const FIRST_BYTES = 2 ** 20

/** The tensors of a file that torch.save wrote before PyTorch 1.6, and where their data is. */
export interface LegacyFile {
  readonly tensors: Map<string, TorchTensor>
  /** Where the data of each storage is, by the storage's key. */
  readonly records: Map<string, Stretch>
  readonly bigEndian: boolean
}

/**
 * Reads the pickles of such a file as data: the magic number, the version, the machine, the state dict, and the keys of
 * the storages in the order of their data. In the data, each storage is preceded by its number of elements.
 *
 * @throws TorchPruneError `ERR_FILE` when the file is incomplete or is something else.
 */
export async function readLegacyFile(handle: FileHandle, size: number, path: string): Promise<LegacyFile> {
  const { tensors, storages, keys, end, bigEndian } = await readPickles(handle, size, path)
  const records = new Map<string, Stretch>()
  let at = end
  for (const key of keys) {
    if (at + 8 > size) refuse(path, `is too short for storage ${quoted(key)}`, DAMAGED)
    const head = Buffer.alloc(8)
    await readFully(handle, head, at, path)
    const count = Number(bigEndian ? head.readBigInt64BE() : head.readBigInt64LE())
    const storage = storages.get(key)
    // The number of bytes per element is not recorded next to the data; only the pickle gives the dtype.
    if (storage === undefined)
      return refuse(path, `has data of storage ${quoted(key)}, which no tensor uses`, SAVE_AGAIN)
    if (count !== storage.count) {
      return refuse(path, `storage ${quoted(key)} claims ${storage.count} elements and has ${count}`, DAMAGED)
    }
    const bytes = count * bytesPerElement[storage.dtype]
    if (at + 8 + bytes > size) refuse(path, `is too short for storage ${quoted(key)}`, DAMAGED)
    records.set(key, { start: at + 8, size: bytes })
    at += 8 + bytes
  }
  if (at !== size) refuse(path, `has ${size - at} extra bytes after its data`, DAMAGED)
  return { tensors, records, bigEndian }
}

async function readPickles(handle: FileHandle, size: number, path: string) {
  for (let length = FIRST_BYTES; ; length *= 8) {
    const whole = length >= size
    const bytes = allocate(Math.min(length, size), path)
    await readFully(handle, bytes, 0, path)
    try {
      return parsePickles(bytes, path)
    } catch (cause) {
      const cutShort = cause instanceof TorchPruneError && cause.message.includes('is cut short')
      if (whole || !cutShort || length > MAX_HEADER_BYTES) throw cause
    }
  }
}

function parsePickles(bytes: Uint8Array, path: string) {
  const storages = new Map<string, TorchStorage>()
  const host = stateDictHost(path, storages)
  let at = 0
  const next = () => {
    const { value, end } = unpickleAt(bytes, at, host, path)
    at = end
    return value
  }
  if (next() !== MAGIC_NUMBER) {
    return refuse(path, 'is a pickle that torch.save did not write', 'save a state dict with torch.save')
  }
  const version = next()
  if (version !== PROTOCOL_VERSION)
    refuse(path, `is of version ${String(version)} of torch.save's format`, SAVE_AGAIN)
  const machine = next()
  const little = isKind(machine, 'dict') ? machine.entries.get('little_endian') : undefined
  if (typeof little !== 'boolean') return refuse(path, 'does not say its byte order', DAMAGED)
  const tensors = tensorsOf(next(), path)
  const keys = next()
  if (!isKind(keys, 'list') || !keys.items.every((key) => typeof key === 'string')) {
    return refuse(path, 'does not say where its data is', DAMAGED)
  }
  return { tensors, storages, keys: keys.items as string[], end: at, bigEndian: !little }
}
