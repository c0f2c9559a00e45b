// Run in a process of its own by lib/install/doctor.ts: loads the addon, computes once, says what it is. A binary that
// crashes takes only this process with it.
import type { Probe } from '../install/doctor.js'
import { loadAddon } from './addon.js'

function probe(): Probe {
  try {
    const addon = loadAddon()
    return {
      ok: true,
      libtorch: addon.versions().libtorch,
      cudaDevices: addon.cudaDevices(),
      jpeg: addon.jpegLibrary(),
    }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

process.send?.(probe())
