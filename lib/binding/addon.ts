import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { warnOnce } from '../base/warning.js'
import { TorchPruneError } from '../errors.js'
import { cacheFolder } from './cache.js'
import { availableCores, threadLimit } from './cores.js'
import { type FetchOptions, fetchLibtorch } from './fetch.js'
import { buildCommand, isClone, ownCommand, PACKAGE, VERSION } from './home.js'
import { findCached, findLibtorch, type Libtorch, readLibtorch } from './libtorch.js'
import type { Native } from './native.js'
import { type AddonRecord, readRecord } from './record.js'

const require = createRequire(join(PACKAGE, 'package.json'))

/** The optional package that brings a built addon for this platform. */
export const PLATFORM_PACKAGE = `@torch-prune/${process.platform}-${process.arch}`

/** A built addon, not loaded yet. */
export interface AddonFiles {
  /** The folder of `torch_prune.node`, `loader.node` and `torch_prune.json`. */
  readonly folder: string
  readonly record: AddonRecord
  /** Which rule found it: the variable, a build in this package, the optional package. */
  readonly source: 'TORCH_PRUNE_ADDON' | 'build' | 'package'
}

let loaded: Native | undefined

/**
 * The native addon, loaded with the libtorch that it was built for. Each worker thread has its own.
 *
 * @throws TorchPruneError `ERR_LIBTORCH`, one line with the mend, when the addon or its libtorch is missing
 * or does not fit.
 */
export function loadAddon(): Native {
  loaded ??= load()
  return loaded
}

function load(): Native {
  const { folder, record } = findAddon()
  const libtorch = libtorchFor(folder, record)
  openLibtorch(folder, libtorch)
  try {
    const addon = require(join(folder, 'torch_prune.node')) as Native
    addon.initialize(TorchPruneError)
    addon.onWarning(warnOnce)
    limitThreads(addon)
    return addon
  } catch (error) {
    throw failure(`the addon in ${folder} cannot be loaded`, error, `build it again: ${buildCommand()}`)
  }
}

/** A service keeps a core for its event loop; the command line asks for all of them. */
function limitThreads(addon: Native): void {
  const cores = availableCores()
  addon.setJobThreads(Math.max(1, Math.min(cores - 1, threadLimit())))
  // libtorch itself looks at OMP_NUM_THREADS and at the cores, but at no container's share of them.
  if (cores < availableParallelism()) addon.setEagerThreads(Math.min(cores, threadLimit()))
}

/** Brings libtorch into the process with the loader in `folder`, where the addon will find it. */
export function openLibtorch(folder: string, { dir, version, cuda }: Libtorch): void {
  try {
    const loader = require(join(folder, 'loader.node')) as { open(path: string): void }
    // In the order of their dependencies, so that each finds the ones before it already open.
    const libraries = ['c10', 'torch_cpu', ...(cuda ? ['c10_cuda', 'torch_cuda'] : []), 'torch']
    for (const library of libraries) loader.open(join(dir, 'lib', `lib${library}.so`))
  } catch (error) {
    throw failure(`libtorch ${version} in ${dir} cannot be loaded`, error, libraryMend(error, cuda))
  }
}

/**
 * The addon to load: `TORCH_PRUNE_ADDON` (a folder), else this package's build, else the platform's package.
 *
 * @throws TorchPruneError `ERR_LIBTORCH` when there is none.
 */
export function findAddon(): AddonFiles {
  const named = process.env.TORCH_PRUNE_ADDON
  if (named) {
    const found = addonIn(resolve(named), 'TORCH_PRUNE_ADDON')
    if (found) return found
    const what = 'which lacks torch_prune.node, loader.node or torch_prune.json'
    throw missing(
      `TORCH_PRUNE_ADDON is ${named}, ${what}: set it to a folder with a whole build, or unset it`,
    )
  }
  const installed = platformFolder()
  const found =
    addonIn(join(PACKAGE, 'build/Release'), 'build') ??
    (installed === null ? null : addonIn(installed, 'package'))
  if (found) return found
  throw missing(`there is no addon: ${howToGetAddon()}`)
}

/**
 * The libtorch that this addon was built for: `LIBTORCH`, else where it was at the build (no Python needed),
 * else the Python's or the cache's.
 */
export function libtorchFor(folder: string, record: AddonRecord): Libtorch {
  const isIt = (libtorch: Libtorch | null) => libtorch !== null && libtorch.version === record.libtorch
  if (process.env.LIBTORCH) {
    const named = findLibtorch()!
    if (isIt(named)) return named
    throw refusal(folder, record, `LIBTORCH is ${named.version} (${named.dir})`)
  }
  const recorded = record.dir === undefined ? null : readLibtorch(record.dir, record.source ?? 'cache')
  if (isIt(recorded)) return recorded!
  const found = findLibtorch({ version: record.libtorch })
  if (isIt(found)) return found!
  const other = findLibtorch() ?? findCached()
  throw refusal(
    folder,
    record,
    other ? `${other.version} was found (${other.dir})` : `none was found${hidden(record)}`,
  )
}

/**
 * Fetches the libtorch that the installed addon was built for, or, with `cuda` or `version`, another; where
 * the addon is yet to be built, the one that this machine can use best.
 */
export function fetchAddonLibtorch(options: FetchOptions = {}): Promise<Libtorch> {
  const record = installedRecord()
  const chosen = options.cuda !== undefined || options.version !== undefined
  if (chosen || process.env.TORCH_PRUNE_LIBTORCH_VERSION || record === null) return fetchLibtorch(options)
  return fetchLibtorch({ ...options, version: record.libtorch })
}

function installedRecord(): AddonRecord | null {
  try {
    return findAddon().record
  } catch {
    return null
  }
}

function addonIn(folder: string, source: AddonFiles['source']): AddonFiles | null {
  const record = readRecord(folder)
  const whole = ['torch_prune.node', 'loader.node'].every((file) => existsSync(join(folder, file)))
  return record !== null && whole ? { folder, record, source } : null
}

/** The platforms that a built addon is published for. */
const PUBLISHED = ['@torch-prune/linux-x64']

/** What to type for an addon. The build is named only where no built one fits: it takes a compiler and minutes. */
function howToGetAddon(): string {
  if (isClone()) return `build it: ${buildCommand()}`
  if (PUBLISHED.includes(PLATFORM_PACKAGE)) {
    return `npm install ${PLATFORM_PACKAGE}@${VERSION} (npm leaves it out under --omit=optional)`
  }
  return (
    `none is published for ${process.platform}-${process.arch}; build it (g++ and cmake, some minutes): ` +
    `npm install --save-dev cmake-js node-addon-api && ${buildCommand()}`
  )
}

function platformFolder(): string | null {
  try {
    return dirname(require.resolve(`${PLATFORM_PACKAGE}/package.json`))
  } catch {
    return null
  }
}

function refusal(folder: string, { libtorch, cuda }: AddonRecord, found: string): TorchPruneError {
  const fetch = `${ownCommand()} fetch-libtorch`
  const build = isClone() ? `, or build the addon for another: ${buildCommand()}` : ''
  return missing(
    `libtorch ${libtorch}, which the addon in ${folder} was built for, is needed, and ${found}: ` +
      `${fetch}${cuda ? ' --cuda' : ''} fetches it${process.env.LIBTORCH ? ' (unset LIBTORCH then)' : ''}${build}`,
  )
}

/** Folders that this user may not look into, where a libtorch may be. */
function hidden(record: AddonRecord): string {
  const closed = [record.dir, cacheFolder()].find((folder) => folder !== undefined && !mayRead(folder))
  if (closed === undefined) return ''
  return ` (${closed} may not be read by this user: open it, or fetch libtorch into a folder that may, named by TORCH_PRUNE_CACHE)`
}

/** False only where permissions are what is in the way. */
function mayRead(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EACCES'
  }
}

function libraryMend(error: unknown, cuda: boolean): string {
  const text = error instanceof Error ? error.message : ''
  if (/GLIBC(XX)?_/.test(text)) return 'this system is older than that libtorch needs: use a newer one'
  if (cuda && /lib(cu|nv|nccl)/.test(text)) {
    return 'install the NVIDIA packages beside it (pip install torch brings them), or fetch it: npx torch-prune fetch-libtorch --cuda'
  }
  return 'set LIBTORCH to a whole libtorch folder, or fetch one: npx torch-prune fetch-libtorch'
}

function failure(what: string, error: unknown, mend: string): TorchPruneError {
  const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
  return new TorchPruneError('ERR_LIBTORCH', `${what} (${reason}): ${mend}`, { cause: error })
}

function missing(message: string): TorchPruneError {
  return new TorchPruneError('ERR_LIBTORCH', message)
}
