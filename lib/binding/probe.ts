// Run in a process of its own by doctor.ts: loads the addon, computes once, says what it is. A binary that
// crashes takes only this process with it.
import { loadAddon } from './addon.js'

export type Probe =
  | { readonly ok: true; readonly libtorch: string; readonly cudaDevices: number; readonly jpeg: boolean }
  | { readonly ok: false; readonly message: string }

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
