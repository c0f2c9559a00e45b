import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inPieces } from '../base/checksum.js'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { allocate, inputError, piecesOfFile, quoted, readFully, refuse, sizeOfFile } from '../base/files.js'
import type { TensorBytes, TensorPieces } from '../tensor/bytes.js'
import { Archive } from './archive.js'
import { MAX_HEADER_BYTES, tensorBytes } from './header.js'
import { readStateDict, type TorchStorage, type TorchTensor } from './state_dict.js'
import { readLegacyFile, type Stretch } from './torch_legacy.js'

/** The first byte of a pickle: files written before PyTorch 1.6 begin with one. */
const PICKLE = 0x80

const DAMAGED = 'it is damaged: fetch or write it again'

/**
 * Strided tensors are copied out of storages that they may share. A file is rejected if these copies would take more
 * than this many times its size in total, so that a small file cannot fill the memory.
 */
const LARGEST_GROWTH = 4

/**
 * Reads the tensors of a state dict that torch.save wrote, in the zip format of PyTorch 1.6 and later or in the earlier
 * format, without running anything that its pickle asks for. Tensors that share a storage also share their `data` here.
 *
 * @throws TorchPruneError `ERR_FILE` when the file is incomplete, contains anything else, or asks for anything else.
 */
export function readTorchFile(path: string): Promise<Map<string, TensorBytes>> {
  return withStateDict(path, async (file) => {
    const read = storagesOf(file)
    const result = new Map<string, TensorBytes>()
    for (const [name, tensor] of file.tensors) {
      const data = await elementsOf(tensor, await read(tensor), `${path}: tensor ${quoted(name)}`)
      result.set(name, { dtype: tensor.storage.dtype, shape: tensor.shape, data })
    }
    return result
  })
}

/**
 * Calls `use` with the tensors of such a file, which is open until `use` is done; a tensor is read when its pieces are
 * requested.
 */
export function withTorchFile<T>(
  path: string,
  use: (tensors: ReadonlyMap<string, TensorPieces>) => Promise<T>,
): Promise<T> {
  return withStateDict(path, (file) => {
    const read = storagesOf(file)
    const tensors = new Map<string, TensorPieces>()
    for (const [name, tensor] of file.tensors) {
      const { shape, offset, storage } = tensor
      const { dtype } = storage
      const size = bytesPerElement[dtype]
      const byteLength = tensorBytes(dtype, shape)!
      async function* gathered() {
        yield* inPieces(await elementsOf(tensor, await read(tensor), `${path}: tensor ${quoted(name)}`))
      }
      const start = file.records.get(storage.key)!.start + offset * size
      const inPlace = isContiguous(tensor) && (size === 1 || !file.bigEndian)
      const pieces = () => (inPlace ? piecesOfFile(file.handle, start, byteLength, path) : gathered())
      tensors.set(name, { dtype, shape, byteLength, pieces })
    }
    return use(tensors)
  })
}

/** Returns a function that reads the complete storage of a tensor; each storage is read only once. */
function storagesOf({ records, bigEndian, read }: StateDictFile) {
  const storages = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  return ({ storage }: TorchTensor) => {
    const found =
      storages.get(storage.key) ?? readStorage(read(records.get(storage.key)!), storage, bigEndian)
    storages.set(storage.key, found)
    return found
  }
}

/** Reads what such a file says about itself, without its data; makes the same checks as readTorchFile. */
export function readTorchFileHeader(path: string): Promise<Map<string, { dtype: DType; shape: number[] }>> {
  return withStateDict(path, async ({ tensors }) => {
    return new Map([...tensors].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }]))
  })
}

interface StateDictFile {
  readonly tensors: ReadonlyMap<string, TorchTensor>
  /** Where the storages of the tensors are in the file, by key. */
  readonly records: ReadonlyMap<string, Stretch>
  readonly bigEndian: boolean
  readonly handle: FileHandle
  read(record: Stretch): Promise<Uint8Array<ArrayBuffer>>
}

async function withStateDict<T>(path: string, use: (file: StateDictFile) => Promise<T>): Promise<T> {
  const size = await sizeOfFile(path)
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  const read = async ({ start, size }: Stretch) => {
    const bytes = allocate(size, path)
    await readFully(handle, bytes, start, path)
    return bytes
  }
  try {
    const first = await read({ start: 0, size: Math.min(1, size) })
    const file = first[0] === PICKLE ? readLegacyFile(handle, size, path) : readArchive(handle, size, path)
    const { tensors, records, bigEndian } = await file
    checkGrowth(tensors, size, path)
    return await use({ tensors, records, bigEndian, handle, read })
  } catch (cause) {
    throw inputError(path, cause)
  } finally {
    await handle.close()
  }
}

async function readArchive(handle: FileHandle, size: number, path: string) {
  const archive = await Archive.open(handle, size, path)
  const folder = folderOf(archive)
  const pickle = archive.find(`${folder}/data.pkl`)!
  if (pickle.size > MAX_HEADER_BYTES) refuse(path, 'has a pickle of over 100 MB', 'is it a state dict?')
  const tensors = readStateDict(await archive.read(pickle), path)
  const bigEndian = await isBigEndian(archive, folder)
  return { tensors, records: recordsOf(tensors, archive, folder), bigEndian }
}

/** Finds the archive's folder, which torch.save names after the file's name at that time. */
function folderOf({ entries, path }: Archive): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickles.length !== 1) {
    const what = pickles.length === 0 ? 'holds no data.pkl' : 'holds more than one data.pkl'
    return refuse(path, `is a zip archive that ${what}`, 'give a file that torch.save wrote')
  }
  const folder = pickles[0]!.slice(0, -'/data.pkl'.length)
  if (entries.has(`${folder}/constants.pkl`)) {
    refuse(path, 'is a TorchScript program', 'save its state dict: torch.save(model.state_dict(), file)')
  }
  return folder
}

async function isBigEndian(archive: Archive, folder: string): Promise<boolean> {
  const entry = archive.find(`${folder}/byteorder`)
  if (entry === undefined) return false
  const order = entry.size > 16 ? '' : new TextDecoder().decode(await archive.read(entry))
  if (order !== 'little' && order !== 'big')
    refuse(archive.path, `has the byte order ${quoted(order)}`, DAMAGED)
  return order === 'big'
}

function recordsOf(
  tensors: ReadonlyMap<string, TorchTensor>,
  archive: Archive,
  folder: string,
): Map<string, Stretch> {
  const { path } = archive
  const records = new Map<string, Stretch>()
  const claimed = new Map<string, TorchStorage>()
  for (const [name, { storage }] of tensors) {
    const { key, dtype, count } = storage
    const record = archive.find(`${folder}/data/${key}`)
    if (record === undefined) return refuse(path, `has no data of tensor ${quoted(name)}`, DAMAGED)
    const bytes = tensorBytes(dtype, [count])
    if (record.size !== bytes) {
      refuse(path, `tensor ${quoted(name)} claims ${bytes} bytes of data and has ${record.size}`, DAMAGED)
    }
    const before = claimed.get(key)
    if (before && before.dtype !== dtype)
      refuse(path, `has storage ${quoted(key)} in two dtypes`, 'save copies of its tensors: tensor.clone()')
    claimed.set(key, storage)
    records.set(key, record)
  }
  return records
}

function checkGrowth(tensors: ReadonlyMap<string, TorchTensor>, size: number, path: string): void {
  let copied = 0
  for (const tensor of tensors.values())
    if (!isContiguous(tensor)) copied += tensorBytes(tensor.storage.dtype, tensor.shape)!
  if (copied > LARGEST_GROWTH * size) {
    refuse(
      path,
      `has strided tensors of ${copied} bytes in a file of ${size}`,
      'save copies of them: tensor.contiguous()',
    )
  }
}

async function readStorage(
  read: Promise<Uint8Array<ArrayBuffer>>,
  { dtype }: TorchStorage,
  bigEndian: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await read
  const size = bytesPerElement[dtype]
  if (bigEndian && size > 1) await swapBytes(bytes, size as 2 | 4 | 8)
  return bytes
}

// The event loop gets a turn after this many bytes.
const STRETCH_BYTES = 16 * 2 ** 20

async function swapBytes(bytes: Uint8Array<ArrayBuffer>, size: 2 | 4 | 8): Promise<void> {
  for (let at = 0; at < bytes.length; at += STRETCH_BYTES) {
    const stretch = Buffer.from(bytes.buffer, at, Math.min(STRETCH_BYTES, bytes.length - at))
    if (size === 2) stretch.swap16()
    else if (size === 4) stretch.swap32()
    else stretch.swap64()
    await nextTurn()
  }
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  if (shape.includes(0)) return true
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis]!
  }
  return true
}

/** A tensor's bytes in row-major order: a view of its storage if they are already in that order, otherwise a copy. */
async function elementsOf(
  tensor: TorchTensor,
  storage: Uint8Array<ArrayBuffer>,
  purpose: string,
): Promise<Uint8Array> {
  const { offset, shape } = tensor
  const { dtype } = tensor.storage
  const bytes = tensorBytes(dtype, shape)!
  if (bytes === 0) return new Uint8Array(0)
  const size = bytesPerElement[dtype]
  if (isContiguous(tensor)) return storage.subarray(offset * size, offset * size + bytes)
  const copy = allocate(bytes, purpose)
  const Elements = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[size]
  if (Elements === undefined)
    throw new TorchPruneError('ERR_DTYPE', `${purpose} has elements of ${size} bytes`)
  await gather(new Elements(storage.buffer), new Elements(copy.buffer), tensor, STRETCH_BYTES / size)
  return copy
}

async function gather(
  from: ArrayLike<number | bigint>,
  to: { [index: number]: number | bigint; readonly length: number },
  { offset, shape, strides }: TorchTensor,
  stretch: number,
): Promise<void> {
  const index = shape.map(() => 0)
  let at = offset
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at]!
    if (i % stretch === stretch - 1) await nextTurn()
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      at -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
}
