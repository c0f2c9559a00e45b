import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

/** Lets files take so many milliseconds longer until they are in their place, until it is disposed. */
export function slowRename(milliseconds: (path: string) => number): Disposable {
  const { rename } = fs
  fs.rename = async (from, to) => {
    await sleep(milliseconds(String(to)))
    return rename(from, to)
  }
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      Object.assign(fs, { rename })
      syncBuiltinESMExports()
    },
  }
}
