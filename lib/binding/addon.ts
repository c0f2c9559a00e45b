import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { availableCores, threadLimit } from '../base/cores.js'
import { messageOf, TorchPruneError } from '../base/errors.js'
import { warnOnce } from '../base/warning.js'
import { findAddon, libtorchFor } from '../install/addon_files.js'
import { buildCommand, PACKAGE } from '../install/home.js'
import type { Libtorch } from '../install/libtorch.js'
import type { Native } from './native.js'

const require = createRequire(join(PACKAGE, 'package.json'))

let loaded: Native | undefined

/**
 * Loads the native addon with the libtorch that it was built for. Each worker thread has its own instance.
 *
 * @throws TorchPruneError `ERR_LIBTORCH`, one line that says how to fix it, when the addon or its libtorch is missing
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

/** By default, jobs leave one core to the event loop, which a service needs; the command line asks for all cores. */
function limitThreads(addon: Native): void {
  const cores = availableCores()
  addon.setJobThreads(Math.max(1, Math.min(cores - 1, threadLimit())))
  // libtorch itself takes OMP_NUM_THREADS and the cores into account, but not a container's share of them.
  if (cores < availableParallelism()) addon.setEagerThreads(Math.min(cores, threadLimit()))
}

/** Loads libtorch into the process with the loader in `folder`, so that the addon finds it. */
export function openLibtorch(folder: string, { dir, version, cuda }: Libtorch): void {
  try {
    const loader = require(join(folder, 'loader.node')) as { open(path: string): void }
    // This is the order of their dependencies, so that each library finds the ones before it already open.
    const libraries = ['c10', 'torch_cpu', ...(cuda ? ['c10_cuda', 'torch_cuda'] : []), 'torch']
    for (const library of libraries) loader.open(join(dir, 'lib', `lib${library}.so`))
  } catch (error) {
    throw failure(`libtorch ${version} in ${dir} cannot be loaded`, error, libraryFix(error, cuda))
  }
}

function libraryFix(error: unknown, cuda: boolean): string {
  const text = error instanceof Error ? error.message : ''
  if (/GLIBC(XX)?_/.test(text)) return 'this system is older than that libtorch needs: use a newer one'
  if (cuda && /lib(cu|nv|nccl)/.test(text)) {
    return 'install the NVIDIA packages beside it (pip install torch brings them), or fetch it: npx torch-prune fetch-libtorch --cuda'
  }
  return 'set LIBTORCH to a whole libtorch folder, or fetch one: npx torch-prune fetch-libtorch'
}

function failure(what: string, error: unknown, fix: string): TorchPruneError {
  const reason = messageOf(error).split('\n')[0]
  return new TorchPruneError('ERR_LIBTORCH', `${what} (${reason}): ${fix}`, { cause: error })
}
