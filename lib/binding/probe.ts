import { messageOf } from '../base/errors.js'
// lib/install/doctor.ts runs this in a process of its own: it loads the addon, computes once, and reports the result. A
// binary that crashes takes down only this process.
import type { Probe } from '../install/doctor.js'
import { loadAddon } from './addon.js'

function probe(): Probe {
  try {
    const addon = loadAddon()
    return {
      ok: true,
      libtorch: addon.versions().libtorch,
      cudaDevices: addon.cudaDevices(),
      cudaGraphs: addon.cudaGraphs(),
      cudaNccl: addon.cudaNccl(),
      jpeg: addon.jpegLibrary(),
    }
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

process.send?.(probe())
