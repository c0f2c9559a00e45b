import { VERSION } from '../install/home.js'
import { loadAddon } from './addon.js'

/** Versions as strings: of this package, of libtorch with its build, and of Node. */
export interface Versions {
  readonly torchPrune: string
  readonly libtorch: string
  readonly node: string
}

/** Returns the versions that results depend on; `run.json` records them. Loads the addon. */
export function versions(): Versions {
  return { torchPrune: VERSION, libtorch: loadAddon().versions().libtorch, node: process.versions.node }
}
