import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { checksum } from './checksum.js'
import { TorchPruneError } from './errors.js'
import { outputError, systemCode } from './files.js'
import { isRunning, thisProcess } from './process.js'

/** Names of files that are being written. They identify the process that writes them, in case it is killed. */
const TEMPORARY = /^\.torch-prune-(?:(?<place>[\da-f]{8})-(?<pid>\d+)-(?<born>\d*)-)?[\da-f-]{36}\.tmp$/

/**
 * A unique name for a file that is being written. It is short, because the target's name may be as long as names can
 * get.
 */
export function temporaryName(): string {
  const { pid, born } = thisProcess()
  return `.torch-prune-${placeMark()}-${pid}-${born}-${randomUUID()}.tmp`
}

function placeMark(): string {
  const { host, place } = thisProcess()
  return checksum(`${host} ${place}`)
}

/**
 * Writes a file so that a reader finds either the old file or the complete new one, whatever happens in between.
 *
 * `write` fills a temporary file, which already exists and is empty, in the same folder. The file is then flushed to
 * disk and renamed. If anything fails, the temporary file is removed and the old file is left as it was. Links are
 * followed.
 *
 * @throws ERR_OUTPUT when the place cannot be written. Errors that `write` throws for other reasons pass through.
 */
export async function writeAtomically(
  path: string,
  write: (temporaryPath: string) => Promise<void>,
): Promise<void> {
  const { target, mode } = await destination(path)
  const temporary = join(dirname(target), temporaryName())
  try {
    await (await open(temporary, 'wx', mode)).close()
    await write(temporary)
    await flush(temporary)
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw isAbout(temporary, cause) ? outputError(path, cause) : cause
  }
  // Makes the rename itself survive a power cut. Some file systems cannot flush a folder; the file is complete anyway.
  await flush(dirname(target)).catch(() => {})
}

/**
 * Removes the temporary files that killed processes left in a folder.
 * @param options.locked nobody else can be writing there now, so every such file belongs to a dead process
 */
export async function removeLeftovers(
  folder: string,
  { locked = false }: { locked?: boolean } = {},
): Promise<void> {
  const here = thisProcess()
  const left = (await readdir(folder).catch(() => [])).filter((name) => {
    const { groups } = TEMPORARY.exec(name) ?? {}
    if (locked || groups === undefined) return groups !== undefined
    const { place, pid, born = '' } = groups
    return place === placeMark() && isRunning({ ...here, pid: Number(pid), born }) === false
  })
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })))
}

/** Writes a text file as `writeAtomically` does. */
export function writeTextAtomically(path: string, text: string): Promise<void> {
  return writeAtomically(path, (temporary) => writeFile(temporary, text))
}

/**
 * Checks whether a file can be written, by briefly creating one next to it: permissions alone do not tell.
 * @throws ERR_OUTPUT when it cannot be written.
 */
export async function checkWritable(path: string): Promise<void> {
  const { target } = await destination(path)
  const temporary = join(dirname(target), temporaryName())
  try {
    await (await open(temporary, 'wx')).close()
  } catch (cause) {
    throw outputError(path, cause)
  }
  await rm(temporary, { force: true })
}

/** Writes a value as indented JSON, for people who open the file. */
export function writeJsonAtomically(path: string, value: unknown): Promise<void> {
  return writeTextAtomically(path, `${JSON.stringify(value, null, 2)}\n`)
}

/**
 * Makes a folder and its parents if they do not exist.
 * @throws ERR_OUTPUT when it cannot be made.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(resolve(path))
  } catch (cause) {
    throw outputError(path, cause)
  }
}

/**
 * Creates one level at a time: on Node 20, recursive `mkdir` never returns where a file system refuses, as /proc does.
 */
async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) await makeFolders(parent)
  try {
    await mkdir(path)
  } catch (cause) {
    // Another process may have created it first.
    if (!(await isFolder(path))) throw outputError(path, cause)
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch((cause: unknown) => {
    if (systemCode(cause) !== 'ENOENT') throw cause
  })
  return stats?.isDirectory() === true
}

/**
 * Where a file will be written, through links, and with which permissions.
 *
 * @throws TorchPruneError `ERR_OUTPUT` when a folder or a device has that name.
 */
export async function destination(path: string): Promise<{ target: string; mode: number }> {
  try {
    const stats = await stat(path)
    if (stats.isFile()) return { target: await realpath(path), mode: stats.mode & 0o777 }
    const what = stats.isDirectory() ? 'is a folder' : 'is not a regular file'
    throw new TorchPruneError('ERR_OUTPUT', `${path}: ${what}; give the name of a file`)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return { target: path, mode: 0o666 }
    throw outputError(path, cause)
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Tells whether an error is about this file: file handles' errors name no path, and one with another path is not. */
function isAbout(temporary: string, cause: unknown): boolean {
  if (systemCode(cause) === undefined) return false
  const path = (cause as NodeJS.ErrnoException).path
  return path === undefined || path === temporary
}
