import { VERSION } from '../install/home.js'
import { loadAddon } from './addon.js'

export interface Versions {
  readonly torchPrune: string
  readonly libtorch: string
  readonly node: string
}

/** The versions that results depend on: `run.json` keeps them. Loads the addon. */
export function versions(): Versions {
  return { torchPrune: VERSION, libtorch: loadAddon().versions().libtorch, node: process.versions.node }
}
