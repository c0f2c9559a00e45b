import { open } from 'node:fs/promises'
import { bytesPerElement, type DType } from '../base/dtype.js'
import { inputError, sizeOfFile } from '../base/files.js'
import { path as pathKind } from '../base/kind.js'
import { product } from '../base/lists.js'
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

/**
 * Reads a safetensors file, or a state dict that torch.save wrote (`.pt`, `.pth`). Its first bytes determine which of
 * them it is.
 *
 * @throws TorchPruneError `ERR_FILE` when the file is missing or is not what it claims to be
 */
export async function readTensorFile(path: string): Promise<SafetensorsFile> {
  if ((await formatOf(pathKind.read(path, 'readTensorFile: path'))) === 'safetensors')
    return readSafetensors(path)
  return { metadata: {}, tensors: await readTorchFile(path) }
}

/** Calls `use` with such a file, which is open until `use` is done; a tensor is read when its pieces are requested. */
export async function withTensorFile<T>(path: string, use: (file: OpenTensorFile) => Promise<T>): Promise<T> {
  if ((await formatOf(path)) === 'safetensors') return withSafetensors(path, use)
  return withTorchFile(path, (tensors) => use({ metadata: {}, tensors }))
}

/** Reads what a file says about itself, without its data; makes the same checks as readTensorFile. */
export async function readTensorFileHeader(path: string): Promise<TensorFileHeader> {
  if ((await formatOf(path)) === 'safetensors') {
    const { metadata, tensors } = await readSafetensorsHeader(path)
    return { metadata, tensors: withBytes(tensors) }
  }
  return { metadata: {}, tensors: withBytes(await readTorchFileHeader(path)) }
}

function withBytes(tensors: ReadonlyMap<string, { readonly dtype: DType; readonly shape: number[] }>) {
  return new Map(
    [...tensors].map(([name, { dtype, shape }]) => {
      const bytes = bytesPerElement[dtype] * product(shape)
      return [name, { dtype, shape, bytes }] as const
    }),
  )
}

async function formatOf(path: string): Promise<'safetensors' | 'torch'> {
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
  const [a, b, c, d] = first
  // The length of a safetensors header comes first and may look like any other beginning, but its text begins with '{'.
  if (first[8] === 0x7b) return 'safetensors'
  if (a === 0x50 && b === 0x4b && ((c === 3 && d === 4) || (c === 5 && d === 6))) return 'torch'
  // A bare pickle, as torch.save wrote it before PyTorch 1.6.
  if (a === 0x80 && b! >= 2 && b! <= 5) return 'torch'
  return 'safetensors'
}
