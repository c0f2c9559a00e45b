import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** Lets writes fail as on a full disk while `full(path)` says so of the file's path, until it is disposed. */
export function fullDisk(full: (path: string) => boolean): Disposable {
  const { open, writeFile } = fs
  const refuse = (path: unknown) => {
    if (!full(String(path))) return
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  fs.open = async (path, ...rest) => {
    const handle = await open(path, ...rest)
    const write = handle.writeFile.bind(handle)
    handle.writeFile = async (...values) => {
      refuse(path)
      return write(...values)
    }
    return handle
  }
  fs.writeFile = async (path, ...rest) => {
    refuse(path)
    return writeFile(path, ...rest)
  }
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      Object.assign(fs, { open, writeFile })
      syncBuiltinESMExports()
    },
  }
}
