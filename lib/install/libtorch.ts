import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { cachedFolders } from './cache.js'
import { nvidiaDriver } from './driver.js'
import { pythonTorch } from './python.js'

/** A libtorch folder: `include/` to build against and `lib/` to run on. */
export interface Libtorch {
  /** Absolute path of the folder that holds `lib/` and `include/`. */
  readonly dir: string
  /** As libtorch names itself, with its build: `2.13.0+cpu`, `2.14.1+cu130`. */
  readonly version: string
  /** Which rule found it: the variable, the Python on the PATH, the package's cache. */
  readonly source: 'LIBTORCH' | 'python' | 'cache'
  /** Whether it is a CUDA build. Says nothing about this machine's GPU. */
  readonly cuda: boolean
}

/** Which builds of libtorch will do. */
export interface Wanted {
  /** A CUDA build (true), a CPU build (false); left out, either. */
  readonly cuda?: boolean | undefined
  /** This version: `2.13.0` in any build, or `2.13.0+cpu`; left out, any. */
  readonly version?: string | undefined
}

/** The oldest accepted version; `TORCH_PRUNE_ANY_LIBTORCH=1` lifts the check. */
const OLDEST = [2, 9] as const
export const TESTED = ['2.13.0', '2.14.1'] as const

/**
 * The libtorch to use: `LIBTORCH`, else the torch of the Python on the PATH, else the package's cache.
 * What `LIBTORCH` names must do or it is an error; the other two are passed over when they are not wanted.
 *
 * @returns null when there is none: fetch one.
 * @throws TorchPruneError `ERR_LIBTORCH` when `LIBTORCH` is wrong or a version is too old.
 */
export function findLibtorch(wanted: Wanted = {}): Libtorch | null {
  const named = process.env.LIBTORCH
  if (named) return fromVariable(named, wanted)

  const python = pythonTorch()
  if (python !== null) {
    const found = readLibtorch(python, 'python')
    if (found !== null && fits(found, wanted)) {
      checkVersion(found)
      return found
    }
  }
  return findCached(wanted)
}

/** The best libtorch of the cache: with a driver a CUDA build first, then the newest version. */
export function findCached(wanted: Wanted = {}): Libtorch | null {
  const found = cachedFolders()
    .map((dir) => readLibtorch(dir, 'cache'))
    .filter((libtorch) => libtorch !== null)
    .filter((libtorch) => fits(libtorch, wanted) && isAccepted(libtorch.version))
  if (found.length < 2) return found[0] ?? null
  const preferred = nvidiaDriver() !== null
  const rank = (libtorch: Libtorch) => (libtorch.cuda === preferred ? 1 : 0)
  found.sort((a, b) => rank(b) - rank(a) || b.version.localeCompare(a.version, 'en', { numeric: true }))
  return found[0] ?? null
}

/** Describes the libtorch in `dir`, or null when there is none. Reads files only. */
export function readLibtorch(dir: string, source: Libtorch['source']): Libtorch | null {
  const folder = resolve(dir)
  if (!existsSync(join(folder, 'lib/libtorch_cpu.so'))) return null
  const version = readVersion(folder)
  if (version === null) return null
  return { dir: folder, version, source, cuda: existsSync(join(folder, 'lib/libtorch_cuda.so')) }
}

/** Whether `libtorch` is one of those wanted. */
export function fits(libtorch: Libtorch, { cuda, version }: Wanted): boolean {
  const release = libtorch.version.split('+')[0]
  return (
    (cuda === undefined || libtorch.cuda === cuda) &&
    (version === undefined || libtorch.version === version || release === version)
  )
}

/** @throws TorchPruneError `ERR_LIBTORCH` when its headers are missing, as in a run-time package. */
export function checkHeaders({ dir, version }: Libtorch): void {
  if (existsSync(join(dir, 'include/ATen/ATen.h'))) return
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    `libtorch ${version} in ${dir} has no headers (include/ATen/ATen.h): set LIBTORCH to a whole libtorch folder`,
  )
}

function fromVariable(named: string, wanted: Wanted): Libtorch {
  const wrong = (what: string, mend: string) =>
    new TorchPruneError('ERR_LIBTORCH', `LIBTORCH is ${named}, ${what}: ${mend}`)
  const mend = 'set it to a libtorch folder (with lib/ and include/), or unset it'

  if (!existsSync(named)) throw wrong('which does not exist', mend)
  if (!existsSync(join(named, 'lib/libtorch_cpu.so'))) throw wrong('which has no lib/libtorch_cpu.so', mend)
  const found = readLibtorch(named, 'LIBTORCH')
  if (found === null)
    throw wrong('which does not say its version (build-version, version.py, version.h)', mend)
  checkVersion(found)
  if (!fits(found, wanted)) {
    const build = wanted.cuda === undefined ? '' : wanted.cuda ? ' (CUDA)' : ' (CPU)'
    const asked = `${wanted.version ?? found.version.split('+')[0]}${build}`
    throw wrong(
      `libtorch ${found.version}`,
      `libtorch ${asked} was asked for; set it to that one, or unset it`,
    )
  }
  return found
}

function checkVersion({ version, dir }: Libtorch): void {
  if (isAccepted(version)) return
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    `libtorch ${version} in ${dir} is not supported, only ${OLDEST.join('.')} and newer (tested: ${TESTED.join(', ')}): ` +
      'set LIBTORCH to a newer one, or TORCH_PRUNE_ANY_LIBTORCH=1 to try this one',
  )
}

function isAccepted(version: string): boolean {
  if (process.env.TORCH_PRUNE_ANY_LIBTORCH === '1') return true
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** A libtorch archive says its version in `build-version`, a Python package in `version.py`, both in a header. */
function readVersion(dir: string): string | null {
  const archive = read(join(dir, 'build-version'))?.trim()
  if (archive) return archive
  const python = /^__version__\s*(?::[^=]*)?=\s*'([^']+)'/m.exec(read(join(dir, 'version.py')) ?? '')?.[1]
  if (python) return python
  const headers = ['torch/headeronly/version.h', 'torch/csrc/api/include/torch/version.h']
  for (const header of headers) {
    const text = read(join(dir, 'include', header)) ?? ''
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`^#define TORCH_VERSION_${part} (\\d+)`, 'm').exec(text)?.[1],
    )
    if (parts.every((part) => part !== undefined)) return parts.join('.')
  }
  return null
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
