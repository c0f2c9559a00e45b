import { type FileHandle, open } from 'node:fs/promises'
import { writeAtomically } from '../base/atomic.js'
import { checksumOf, checksumWhile, inPieces, withChecksum } from '../base/checksum.js'
import { isObject, list } from '../base/collection.js'
import { bytesPerElement } from '../base/dtype.js'
import { TorchPruneError } from '../base/errors.js'
import { allocate, inputError, piecesOfFile, quoted, readFully, refuse, sizeOfFile } from '../base/files.js'
import { boolean, instance, kind, path as pathKind, text } from '../base/kind.js'
import { group, type OptionsOf, optional, readOptions } from '../base/option.js'
import { byteLengthOf, type StoredTensor, type TensorBytes, type TensorPieces } from '../tensor/bytes.js'
import {
  DTYPE_CODES,
  encodeHeader,
  isReservedName,
  MAX_HEADER_BYTES,
  parseHeader,
  REWRITE,
  type SafetensorsHeader,
  type TensorEntry,
  tensorBytes,
} from './header.js'

/** The contents of a safetensors file. */
export interface SafetensorsFile {
  /** Strings that programs store with the tensors. */
  metadata: Record<string, string>
  /** The tensors by name. */
  tensors: Map<string, TensorBytes>
}

const LENGTH_BYTES = 8

const readingOptions = {
  /**
   * The names of the tensors to read; the others are neither read nor allocated.
   * @default all
   */
  only: optional(list(text, 'an array of names of tensors')),
}

/** Options of `readSafetensors`. */
export interface ReadSafetensorsOptions extends OptionsOf<typeof readingOptions> {}

const writingOptions = {
  /**
   * Whether to add a CRC-32 of the header and of each tensor, which `readSafetensors` checks. They are stored in the
   * metadata, where other programs ignore them.
   * @default false
   */
  checksums: optional(boolean, false),
}

/** Options of `writeSafetensors`. */
export interface WriteSafetensorsOptions extends OptionsOf<typeof writingOptions> {}

const fileKind = group({
  metadata: kind<Readonly<Record<string, string>>>('an object of strings', isObject),
  tensors: instance<ReadonlyMap<string, Readonly<TensorBytes>>>(Map, 'a Map of tensors by name'),
})
// Errors about dtypes and shapes name the file, so they are checked below.
const tensorDataKind = group({
  dtype: text,
  shape: kind<number[]>('an array of sizes', Array.isArray),
  data: instance(Uint8Array, 'a Uint8Array'),
})

/**
 * Reads a safetensors file, off the event loop. Each tensor has its own ArrayBuffer.
 * @throws ERR_FILE when the file is missing, is not what it claims to be or lacks a requested tensor
 * @throws ERR_MEMORY when a tensor does not fit into memory
 */
export async function readSafetensors(
  path: string,
  options: ReadSafetensorsOptions = {},
): Promise<SafetensorsFile> {
  const { only } = readOptions('readSafetensors', readingOptions, options)
  pathKind.read(path, 'readSafetensors: path')
  return withHeader(path, async (handle, header, dataStart) => {
    const tensors = new Map<string, TensorBytes>()
    for (const [name, entry] of select(header.tensors, only, path)) {
      const data = allocate(entry.end - entry.begin, `${path}: tensor ${quoted(name)}`)
      await readFully(handle, data, dataStart + entry.begin, path)
      if (header.checksums && header.checksums.get(name) !== (await checksumOf(data))) refuseSum(name, path)
      tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data })
    }
    return { metadata: header.metadata, tensors }
  })
}

/** An open file of tensors. A tensor is read and checked when its pieces are requested. */
export interface OpenTensorFile {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, TensorPieces>
  /** Whether weights that share values are to be told by these alone: the format holds no index of them. */
  readonly sharesByValue?: boolean
}

/**
 * Calls `use` with a safetensors file, which is open until `use` is done, so that tensors need not be in memory twice.
 * @throws ERR_FILE as readSafetensors does, and for whatever `use` throws other than a TorchPruneError
 */
export function withSafetensors<T>(path: string, use: (file: OpenTensorFile) => Promise<T>): Promise<T> {
  return withHeader(path, (handle, header, dataStart) => {
    const tensors = new Map<string, TensorPieces>()
    for (const [name, { dtype, shape, begin, end }] of header.tensors) {
      const read = () => piecesOfFile(handle, dataStart + begin, end - begin, path)
      const pieces = header.checksums
        ? () => withChecksum(read(), header.checksums?.get(name), () => refuseSum(name, path))
        : read
      tensors.set(name, { dtype, shape, byteLength: end - begin, pieces })
    }
    return use({ metadata: header.metadata, tensors })
  })
}

function refuseSum(name: string, path: string): never {
  return refuse(path, `tensor ${quoted(name)} does not match its checksum`, REWRITE)
}

/**
 * Reads what a safetensors file says about itself, without its data; makes the same checks as readSafetensors.
 * @throws ERR_FILE when the file is missing or is not what it claims to be
 */
export function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withHeader(path, async (_handle, header) => header)
}

/**
 * Writes a safetensors file, tensor by tensor and either completely or not at all. Tensors are in the order of the
 * format's reference implementation (wide dtypes first, then by name), so each of them is aligned.
 * @throws ERR_ARGUMENT when a tensor's bytes do not match its shape, or a name is reserved
 * @throws ERR_OUTPUT when the file cannot be written
 */
export async function writeSafetensors(
  path: string,
  file: {
    metadata: Readonly<Record<string, string>>
    tensors: ReadonlyMap<string, Readonly<StoredTensor>>
  },
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  const { checksums } = readOptions('writeSafetensors', writingOptions, options)
  pathKind.read(path, 'writeSafetensors: path')
  fileKind.read(file, 'writeSafetensors: file')
  for (const [name, tensor] of file.tensors) {
    text.read(name, 'writeSafetensors: the name of a tensor')
    if (isObject(tensor) && 'pieces' in tensor) continue // made by this library
    tensorDataKind.read(tensor, `writeSafetensors: tensor ${quoted(name)}`)
  }
  const ordered = [...file.tensors].sort(([nameA, a], [nameB, b]) => {
    return LAYOUT.indexOf(a.dtype) - LAYOUT.indexOf(b.dtype) || (nameA < nameB ? -1 : 1)
  })
  const entries = new Map<string, TensorEntry>()
  let end = 0
  for (const [name, tensor] of ordered) {
    checkTensor(name, tensor, path)
    const begin = end
    end += byteLengthOf(tensor)
    entries.set(name, { dtype: tensor.dtype, shape: tensor.shape, begin, end })
  }
  checkMetadata(file.metadata, path)
  const encode = (sums?: readonly string[]) =>
    encodeHeader({ metadata: file.metadata, tensors: entries }, sums)
  // The data determine the digits of the checksums but not their number, so space is reserved for them.
  const header = encode(checksums ? ordered.map(() => '0'.repeat(8)) : undefined)
  if (header.length > MAX_HEADER_BYTES) {
    throw new TorchPruneError('ERR_ARGUMENT', `${path}: the header is over 100 MB; write less metadata`)
  }

  await writeAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'w')
    try {
      const length = new Uint8Array(LENGTH_BYTES)
      new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true)
      await handle.writeFile(length)
      await handle.writeFile(header)
      const sums: string[] = []
      for (const [, tensor] of ordered) {
        const pieces = 'data' in tensor ? inPieces(tensor.data) : tensor.pieces()
        sums.push(await checksumWhile(pieces, (piece) => handle.writeFile(piece)))
      }
      if (checksums) await handle.write(encode(sums), 0, header.length, LENGTH_BYTES)
    } finally {
      await handle.close()
    }
  })
}

const LAYOUT = Object.keys(DTYPE_CODES)

async function withHeader<T>(
  path: string,
  use: (handle: FileHandle, header: SafetensorsHeader, dataStart: number) => Promise<T>,
): Promise<T> {
  const size = await sizeOfFile(path)
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const headerBytes = await headerLength(handle, size, path)
    const bytes = allocate(headerBytes, path)
    await readFully(handle, bytes, LENGTH_BYTES, path)
    const dataStart = LENGTH_BYTES + headerBytes
    return await use(handle, parseHeader(bytes, size - dataStart, path), dataStart)
  } catch (cause) {
    throw inputError(path, cause)
  } finally {
    await handle?.close()
  }
}

async function headerLength(handle: FileHandle, size: number, path: string): Promise<number> {
  if (size < LENGTH_BYTES) refuse(path, `has ${size} bytes, too few for a safetensors file`, 'fetch it again')
  const bytes = new Uint8Array(LENGTH_BYTES)
  await readFully(handle, bytes, 0, path)
  const length = new DataView(bytes.buffer).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES) {
    refuse(path, `claims a header of ${length} bytes, over the format's 100 MB`, 'is it a safetensors file?')
  }
  if (Number(length) > size - LENGTH_BYTES) {
    refuse(
      path,
      `claims a header of ${length} bytes but has ${size} in all`,
      'it is cut short: fetch it again',
    )
  }
  return Number(length)
}

function select(
  tensors: ReadonlyMap<string, TensorEntry>,
  only: readonly string[] | undefined,
  path: string,
): Iterable<[string, TensorEntry]> {
  if (only === undefined) return tensors
  const wanted = new Set(only)
  for (const name of wanted) {
    if (tensors.has(name)) continue
    const held = [...tensors.keys()].slice(0, 8).map(quoted).join(', ')
    refuse(
      path,
      `has no tensor ${quoted(name)}`,
      `it holds ${held || 'none'}${tensors.size > 8 ? ', …' : ''}`,
    )
  }
  return [...tensors].filter(([name]) => wanted.has(name))
}

function checkTensor(name: string, tensor: StoredTensor, path: string): void {
  const { dtype, shape } = tensor
  const refuseIt = (what: string): never => {
    throw new TorchPruneError('ERR_ARGUMENT', `${path}: tensor ${quoted(name)} ${what}`)
  }
  if (isReservedName(name)) refuseIt('has a reserved name; rename it')
  if (!Object.hasOwn(bytesPerElement, dtype))
    refuseIt(`has an unknown dtype; use one of ${LAYOUT.join(', ')}`)
  const bytes =
    tensorBytes(dtype, shape) ?? refuseIt(`has the shape [${shape}]; give whole sizes of 0 or more`)
  if (bytes !== byteLengthOf(tensor)) {
    refuseIt(`has ${byteLengthOf(tensor)} bytes; ${dtype} of shape [${shape}] takes ${bytes}`)
  }
}

function checkMetadata(metadata: Readonly<Record<string, string>>, path: string): void {
  for (const [key, text] of Object.entries(metadata)) {
    if (key === '__proto__' || typeof text !== 'string') {
      const message = `${path}: metadata ${quoted(key)} must be a string under another name than __proto__`
      throw new TorchPruneError('ERR_ARGUMENT', message)
    }
  }
}
