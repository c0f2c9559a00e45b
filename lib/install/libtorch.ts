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
  /** The version as libtorch reports it, including its build: `2.13.0+cpu`, `2.14.1+cu130`. */
  readonly version: string
  /** How it was found: by the variable, in the Python on the PATH, or in the package's cache. */
  readonly source: 'LIBTORCH' | 'python' | 'cache'
  /** Whether it is a CUDA build, regardless of whether this machine has a GPU. */
  readonly cuda: boolean
}

/** The builds of libtorch that are acceptable. */
export interface Wanted {
  /** Accepts only a CUDA build (true) or only a CPU build (false); if left out, accepts either. */
  readonly cuda?: boolean | undefined
  /** Accepts only this version: `2.13.0` in any build, or `2.13.0+cpu`; if left out, accepts any version. */
  readonly version?: string | undefined
}

/** The oldest accepted version; `TORCH_PRUNE_ANY_LIBTORCH=1` disables the check. */
const OLDEST = [2, 9] as const
/** The versions that this package is tested with. */
export const TESTED = ['2.13.0', '2.14.1'] as const

/**
 * Finds the libtorch to use: `LIBTORCH`, else the torch of the Python on the PATH, else the one in the package's cache.
 * If `LIBTORCH` names an unsuitable one, that is an error; the other two are skipped if they do not match `wanted`.
 *
 * @returns null if there is none, in which case one can be fetched.
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

/** The best libtorch in the cache: if there is a driver, CUDA builds come first; then the newest version wins. */
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

/** Describes the libtorch in `dir`; null if there is none. Only reads files. */
export function readLibtorch(dir: string, source: Libtorch['source']): Libtorch | null {
  const folder = resolve(dir)
  if (!existsSync(join(folder, 'lib/libtorch_cpu.so'))) return null
  const version = readVersion(folder)
  if (version === null) return null
  return { dir: folder, version, source, cuda: existsSync(join(folder, 'lib/libtorch_cuda.so')) }
}

/** Whether `libtorch` matches `wanted`. */
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
  const wrong = (what: string, fix: string) =>
    new TorchPruneError('ERR_LIBTORCH', `LIBTORCH is ${named}, ${what}: ${fix}`)
  const fix = 'set it to a libtorch folder (with lib/ and include/), or unset it'

  if (!existsSync(named)) throw wrong('which does not exist', fix)
  if (!existsSync(join(named, 'lib/libtorch_cpu.so'))) throw wrong('which has no lib/libtorch_cpu.so', fix)
  const found = readLibtorch(named, 'LIBTORCH')
  if (found === null)
    throw wrong('which does not say its version (build-version, version.py, version.h)', fix)
  checkVersion(found)
  if (!fits(found, wanted)) {
    const build = wanted.cuda === undefined ? '' : wanted.cuda ? ' (CUDA)' : ' (CPU)'
    const asked = `${wanted.version ?? found.version.split('+')[0]}${build}`
    throw wrong(
      `libtorch ${found.version}`,
      `libtorch ${asked} was requested; set it to that one, or unset it`,
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

/**
 * A libtorch archive states its version in `build-version`, a Python package in `version.py`, and both do in a header.
 */
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
