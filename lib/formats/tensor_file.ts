import { open } from 'node:fs/promises'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { inputError, refuse, sizeOfFile } from '../base/files.js'
import { path as pathKind } from '../base/kind.js'
import { product } from '../base/lists.js'
import { wholeBytesOf } from '../tensor/bytes.js'
import { type CodedSizes, readCodedHeader, readCodedSizes, withCoded } from './coded/read.js'
import {
  type OpenTensorFile,
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsFile,
  withSafetensors,
} from './safetensors.js'
import { readTorchFile, readTorchFileHeader, withTorchFile } from './torch_file.js'

/** What a file of tensors says about itself. */
export interface TensorFileHeader {
  /** Strings that programs store with the tensors; empty for files of torch.save. */
  readonly metadata: Readonly<Record<string, string>>
  /** The tensors by name; `bytes` is the size of the tensor's row-major elements. */
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: DType; readonly shape: number[]; readonly bytes: number }
  >
}

type Tensors<Entry> = ReadonlyMap<string, Entry>
type Metadata = Readonly<Record<string, string>>

/** A format of files of tensors: how it is recognized and read. A new one is an entry of `FORMATS`. */
interface TensorFormat {
  /** Whether a file that begins with these bytes has the format. */
  begins(first: Uint8Array): boolean
  read(path: string): Promise<SafetensorsFile>
  /** Calls `use` with an open file, whose tensors are read when their pieces are requested. */
  open<T>(path: string, use: (file: OpenTensorFile) => Promise<T>): Promise<T>
  header(path: string): Promise<{
    readonly metadata: Metadata
    readonly tensors: Tensors<{ readonly dtype: DType; readonly shape: number[] }>
  }>
  /** What tensors take in the file, where that is not the size of their elements. */
  sizes?(path: string): Promise<CodedSizes>
}

const safetensors: TensorFormat = {
  // The length of a header comes first and may look like any other beginning, but its text begins with '{'.
  begins: (first) => first[8] === 0x7b,
  read: readSafetensors,
  open: withSafetensors,
  header: readSafetensorsHeader,
}

const torchFile: TensorFormat = {
  begins([a, b, c, d]) {
    if (a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6))) return true
    // A bare pickle, as torch.save wrote it before PyTorch 1.6.
    return a === 0x80 && b! >= 2 && b! <= 5
  },
  read: async (path) => ({ metadata: {}, tensors: await readTorchFile(path) }),
  open: (path, use) => withTorchFile(path, (tensors) => use({ metadata: {}, tensors })),
  header: async (path) => ({ metadata: {}, tensors: await readTorchFileHeader(path) }),
}

const coded: TensorFormat = {
  // "TPZ" and a version: as the length of a header of safetensors it would be over that format's limit.
  begins: ([a, b, c, d]) => a === 0x54 && b === 0x50 && c === 0x5a && d! >= 16,
  read: (path) =>
    withCoded(path, async ({ metadata, tensors }) => {
      const read: SafetensorsFile = { metadata: { ...metadata }, tensors: new Map() }
      for (const [name, tensor] of tensors) {
        const { dtype, shape } = tensor
        read.tensors.set(name, { dtype, shape, data: await wholeBytesOf(tensor) })
      }
      return read
    }),
  open: withCoded,
  header: readCodedHeader,
  sizes: readCodedSizes,
}

const FORMATS = [coded, safetensors, torchFile]

/**
 * Reads a safetensors file, a coded file, or a state dict that torch.save wrote (`.pt`, `.pth`). Its first bytes
 * determine which of them it is.
 *
 * @throws TorchPruneError `ERR_FILE` when the file is missing or is not what it claims to be
 */
export async function readTensorFile(path: string): Promise<SafetensorsFile> {
  return (await formatOf(pathKind.read(path, 'readTensorFile: path'))).read(path)
}

/** Calls `use` with such a file, which is open until `use` is done; a tensor is read when its pieces are requested. */
export async function withTensorFile<T>(path: string, use: (file: OpenTensorFile) => Promise<T>): Promise<T> {
  return (await formatOf(path)).open(path, use)
}

/** Reads what a file says about itself, without its data; makes the same checks as readTensorFile. */
export async function readTensorFileHeader(path: string): Promise<TensorFileHeader> {
  const { metadata, tensors } = await (await formatOf(path)).header(path)
  const sized = [...tensors].map(([name, { dtype, shape }]) => {
    return [name, { dtype, shape, bytes: bytesPerElement[dtype] * product(shape) }] as const
  })
  return { metadata, tensors: new Map(sized) }
}

/** What the tensors of a coded file take in it; undefined for files of other formats, which hold their elements. */
export async function codedSizes(path: string): Promise<CodedSizes | undefined> {
  return (await formatOf(path)).sizes?.(path)
}

/** The format of a file. What has none that is known is read as safetensors, whose reader says what is wrong. */
async function formatOf(path: string): Promise<TensorFormat> {
  await sizeOfFile(path)
  const first = new Uint8Array(9)
  try {
    const handle = await open(path, 'r')
    try {
      await handle.read(first, 0, first.length, 0)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw inputError(path, cause)
  }
  const format = FORMATS.find((known) => known.begins(first))
  if (format === undefined && path.endsWith('.onnx')) {
    refuse(path, 'is an ONNX model, which can only be written', 'give the file that it was exported from')
  }
  return format ?? safetensors
}
