import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import { checksum } from './checksum.js'
import { TorchPruneError } from './errors.js'
import { outputError, systemCode } from './files.js'
import { isRunning, thisProcess } from './process.js'

/** Of files that are being written: whose they are, should their process be killed. */
const TEMPORARY = /^\.torch-prune-(?:(?<place>[\da-f]{8})-(?<pid>\d+)-(?<born>\d*)-)?[\da-f-]{36}\.tmp$/

/** A name of its own for a file that is being written. It is short: the target's name may be as long as names get. */
export function temporaryName(): string {
  const { pid, born } = thisProcess()
  return `.torch-prune-${placeMark()}-${pid}-${born}-${randomUUID()}.tmp`
}

function placeMark(): string {
  const { host, place } = thisProcess()
  return checksum(`${host} ${place}`)
}

/**
 * Writes a file so that a reader finds the old one or the whole new one, whatever happens in between.
 *
 * `write` fills a temporary file in the same folder, which exists and is empty; it is then flushed to the disk
 * and renamed. When anything fails it is removed, and the old file is as it was. A link is followed.
 *
 * @throws ERR_OUTPUT when the place cannot be written. What `write` throws for reasons of its own passes through.
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
  // Makes the rename itself survive a power cut. Some file systems cannot flush a folder; the file is whole anyway.
  await flush(dirname(target)).catch(() => {})
}

/**
 * Removes what processes that were killed while they wrote left behind in a folder.
 * @param options.locked nobody else may write there now, so that every such file is of a dead process
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

export function writeTextAtomically(path: string, text: string): Promise<void> {
  return writeAtomically(path, (temporary) => writeFile(temporary, text))
}

/**
 * Finds out whether a file can be written, by making one beside it for a moment: permissions alone do not say it.
 * @throws ERR_OUTPUT when it cannot.
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

/** Indented, for people who open it. */
export function writeJsonAtomically(path: string, value: unknown): Promise<void> {
  return writeTextAtomically(path, `${JSON.stringify(value, null, 2)}\n`)
}

/**
 * Makes a folder and those above it, unless they exist.
 * @throws ERR_OUTPUT when it cannot be made.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(resolve(path))
  } catch (cause) {
    throw outputError(path, cause)
  }
}

/** Level by level: `mkdir` with `recursive` never returns on Node 20 where a file system refuses, as /proc does. */
async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) await makeFolders(parent)
  try {
    await mkdir(path)
  } catch (cause) {
    // Another process may have been faster.
    if (!(await isFolder(path))) throw outputError(path, cause)
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch((cause: unknown) => {
    if (systemCode(cause) !== 'ENOENT') throw cause
  })
  return stats?.isDirectory() === true
}

async function destination(path: string): Promise<{ target: string; mode: number }> {
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

/** Errors of file handles name no path; an error that names another file is not about this one. */
function isAbout(temporary: string, cause: unknown): boolean {
  if (systemCode(cause) === undefined) return false
  const path = (cause as NodeJS.ErrnoException).path
  return path === undefined || path === temporary
}
