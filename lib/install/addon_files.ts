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

/** The optional package that provides a prebuilt addon for this platform. */
export const PLATFORM_PACKAGE = `@torch-prune/${process.platform}-${process.arch}`

/** A built addon that is not loaded yet. */
export interface AddonFiles {
  /** The folder of `torch_prune.node`, `loader.node` and `torch_prune.json`. */
  readonly folder: string
  /** What the addon states about itself. */
  readonly record: AddonRecord
  /** How it was found: by the variable, as a build in this package, or in the optional package. */
  readonly source: 'TORCH_PRUNE_ADDON' | 'build' | 'package'
}

/**
 * Finds the addon to load: in the folder `TORCH_PRUNE_ADDON`, else in this package's build, else in the platform's
 * package.
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
 * Finds the libtorch that this addon was built for: `LIBTORCH`, else where it was at build time (which needs no
 * Python), else the one of the Python on the PATH or of the cache.
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
 * Fetches the libtorch that the installed addon was built for, or another one with `cuda` or `version`. If the addon is
 * not built yet, it fetches the one that this machine can use best.
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

/** The platforms for which a built addon is published. */
const PUBLISHED = ['@torch-prune/linux-x64']

/**
 * How to get an addon. The build is suggested only if no prebuilt addon fits, because it needs a compiler and minutes.
 */
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
  const build = isClone() ? `, or build the addon for another one: ${buildCommand()}` : ''
  return missing(
    `the addon in ${folder} needs libtorch ${libtorch}, which it was built for, but ${found}: ` +
      `${fetch}${cuda ? ' --cuda' : ''} fetches it${process.env.LIBTORCH ? ' (then unset LIBTORCH)' : ''}${build}`,
  )
}

/** Names a folder that may contain a libtorch but that this user cannot read. */
function hidden(record: AddonRecord): string {
  const closed = [record.dir, cacheFolder()].find((folder) => folder !== undefined && !mayRead(folder))
  if (closed === undefined) return ''
  return ` (this user cannot read ${closed}: change its permissions, or set TORCH_PRUNE_CACHE to a readable folder and fetch libtorch there)`
}

/** False only if permissions are what prevents reading. */
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
