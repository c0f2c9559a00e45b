import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { cacheFolder } from './cache.js'
import { type FetchOptions, fetchLibtorch } from './fetch.js'
import { buildCommand, isClone, ownCommand, PACKAGE, VERSION } from './home.js'
import { findCached, findLibtorch, type Libtorch, readLibtorch } from './libtorch.js'
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

function missing(message: string): TorchPruneError {
  return new TorchPruneError('ERR_LIBTORCH', message)
}
