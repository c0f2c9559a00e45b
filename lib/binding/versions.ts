import { VERSION } from '../install/home.js'
import { loadAddon } from './addon.js'

/** Versions as strings: of this package, of libtorch with its build, and of Node. */
export interface Versions {
  /** The version of this package. */
  readonly torchPrune: string
  /** The version of libtorch with its build, such as `2.13.0+cpu`. */
  readonly libtorch: string
  /** The version of Node. */
  readonly node: string
}

/** Returns the versions that results depend on; `run.json` records them. Loads the addon. */
export function versions(): Versions {
  return { torchPrune: VERSION, libtorch: loadAddon().versions().libtorch, node: process.versions.node }
}
