import { existsSync } from 'node:fs'
import { access, type FileHandle, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PIECE_BYTES } from './checksum.js'
import { messageOf, TorchPruneError } from './errors.js'
import { onOneLine } from './text.js'

export { quoted } from './shown.js'

/** The code of a system or zlib error (`'ENOENT'`); undefined for anything else. */
export function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause instanceof TorchPruneError) return undefined
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

/** Turns a failed read into an error for users. TorchPruneErrors come back unchanged. */
export function inputError(path: string, cause: unknown): TorchPruneError {
  if (cause instanceof TorchPruneError) return cause
  const code = systemCode(cause)
  return new TorchPruneError('ERR_FILE', `${onOneLine(path)}: ${readingFailure(code, cause)}`, { cause })
}

/** Turns a failed write into an error for users. TorchPruneErrors come back unchanged. */
export function outputError(path: string, cause: unknown): TorchPruneError {
  if (cause instanceof TorchPruneError) return cause
  const shown = onOneLine(path)
  const code = systemCode(cause)
  return new TorchPruneError('ERR_OUTPUT', `${shown}: ${writingFailure(dirname(shown), code, cause)}`, {
    cause,
  })
}

/** Whether a write failed because the disk is full or the user's quota is used up. */
export function isFullDisk(error: unknown): boolean {
  const code = systemCode(error instanceof TorchPruneError ? error.cause : error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Rejects a file because of its contents: `what` is wrong with it, and how to `fix` that. Throws `ERR_FILE`. */
export function refuse(path: string, what: string, fix: string): never {
  throw new TorchPruneError('ERR_FILE', onOneLine(`${path}: ${what}; ${fix}`))
}

/**
 * The size of a regular file in bytes.
 * @throws ERR_FILE when there is no regular file: reading a pipe or a device would block forever.
 */
export async function sizeOfFile(path: string): Promise<number> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  if (stats.isDirectory()) refuse(path, 'is a folder', 'give a file inside it')
  if (!stats.isFile()) refuse(path, 'is not a regular file', 'give the path of one')
  return stats.size
}

/**
 * Allocates zeroed bytes; callers compare `length` with the file's size first.
 * @throws ERR_MEMORY when the machine does not have enough memory.
 */
export function allocate(length: number, purpose: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    const message = `${onOneLine(purpose)}: no memory for ${length} bytes; close other programs or use a bigger machine`
    throw new TorchPruneError('ERR_MEMORY', message, { cause })
  }
}

// Well below the 2 GiB that Linux transfers in one call, and small enough that a closing process does not wait long.
const CHUNK_BYTES = 16 * 2 ** 20

/**
 * Fills `bytes` with the file's contents from `position` on.
 * @throws ERR_FILE when the file ends too early.
 */
export async function readFully(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, CHUNK_BYTES)
    const { bytesRead } = await handle.read(bytes, done, length, position + done)
    if (bytesRead === 0)
      refuse(path, 'became shorter while it was read', 'try again when nothing writes to it')
    done += bytesRead
  }
}

/** Reads a part of a file piece by piece, on request. Each piece is valid only until the next one is requested. */
export async function* piecesOfFile(
  handle: FileHandle,
  position: number,
  length: number,
  path: string,
): AsyncGenerator<Uint8Array, void, void> {
  const bytes = new Uint8Array(Math.min(length, PIECE_BYTES))
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const piece = bytes.subarray(0, length - at)
    await readFully(handle, piece, position + at, path)
    yield piece
  }
}

function readingFailure(code: string | undefined, cause: unknown): string {
  switch (code) {
    case 'ENOENT':
      return 'does not exist; check the path'
    case 'ENOTDIR':
      return 'does not exist, a part of the path is a file; check the path'
    case 'EISDIR':
      return 'is a folder; give a file inside it'
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user; change its permissions'
    default:
      return `cannot be read (${code ?? describe(cause)}); check the file and its disk`
  }
}

function writingFailure(folder: string, code: string | undefined, cause: unknown): string {
  switch (code) {
    case 'ENOENT':
      // /proc reports this: it exists, but nothing can be created in it.
      if (existsSync(folder))
        return `cannot be written, nothing can be created in ${folder}; choose another place`
      return `cannot be written, the folder ${folder} does not exist; create it or choose another place`
    case 'ENOTDIR':
    case 'EEXIST':
      return 'cannot be written, a part of the path is a file; choose another place'
    case 'EISDIR':
      return 'is a folder; give the name of a file'
    case 'EACCES':
    case 'EPERM':
      return 'may not be written by this user; change the permissions or choose another place'
    case 'EROFS':
      return 'is on a read-only disk; choose another place'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'cannot be written, the disk is full; free some space and try again'
    case 'ENAMETOOLONG':
      return 'cannot be written, its name is too long; choose a shorter one'
    default:
      return `cannot be written (${code ?? describe(cause)}); check the place or choose another one`
  }
}

function describe(cause: unknown): string {
  return onOneLine(messageOf(cause))
}

/** Whether there is anything at a path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
