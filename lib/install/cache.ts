import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TorchPruneError } from '../base/errors.js'

/** In the cache, `libtorch-<version>/torch` is a finished fetch, and `.partial-*` is a fetch in progress. */
const FINISHED = 'libtorch-'
const PARTIAL = '.partial-'

// The milliseconds between the touches of a live holder's lock, and the milliseconds without one after which the holder
// is presumed dead.
const BEAT = 2_000
const SILENCE = 20_000

/** The folder that holds fetched copies of libtorch. It is outside any clone, so one fetch serves all clones. */
export function cacheFolder(): string {
  const named = process.env.TORCH_PRUNE_CACHE
  if (named) return resolve(named)
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(base, 'torch-prune')
}

/** The libtorch folders in the cache. An interrupted fetch is never among them. */
export function cachedFolders(): string[] {
  const cache = cacheFolder()
  let names: string[]
  try {
    names = readdirSync(cache)
  } catch {
    return [] // a cache that does not exist, or is not a folder, holds nothing
  }
  return names.filter((name) => name.startsWith(FINISHED)).map((name) => join(cache, name, 'torch'))
}

/**
 * Runs `fill` with an empty folder inside the cache, one process at a time, and removes the folder afterward. `fill`
 * uses `keep` to move the result into place.
 */
export async function withPartial<T>(
  fill: (folder: string) => Promise<T>,
  log: (line: string) => void,
): Promise<T> {
  const cache = cacheFolder()
  await mkdir(cache, { recursive: true }).catch(unwritable)
  return locked(
    join(cache, '.lock'),
    async () => {
      // Whoever left one here is gone, because this process holds the lock.
      for (const name of readdirSync(cache)) {
        if (name.startsWith(PARTIAL)) await rm(join(cache, name), { recursive: true, force: true })
      }
      const folder = join(cache, `${PARTIAL}${process.pid}`)
      await mkdir(folder)
      try {
        return await fill(folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    log,
  )
}

/**
 * Moves a complete, checked folder (which contains `torch/`) into place in one step; returns the path of its `torch`.
 */
export async function keep(folder: string, version: string): Promise<string> {
  const place = join(cacheFolder(), `${FINISHED}${version}`)
  await rm(place, { recursive: true, force: true })
  await rename(folder, place)
  return join(place, 'torch')
}

async function locked<T>(lock: string, work: () => Promise<T>, log: (line: string) => void): Promise<T> {
  const owner = `${hostname()} ${process.pid} ${randomUUID()}`
  let told = false
  while (!(await take(lock, owner))) {
    if (!told) log(`Waiting for another fetch into ${cacheFolder()} ...`)
    told = true
    await sleep(250)
  }
  const beat = setInterval(() => {
    const now = new Date()
    utimes(lock, now, now).catch(() => {})
  }, BEAT)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if ((await readFile(lock, 'utf8').catch(() => '')) === owner) await rm(lock, { force: true })
  }
}

async function take(lock: string, owner: string): Promise<boolean> {
  try {
    await writeFile(lock, owner, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') unwritable(error)
  }
  const held = await readFile(lock, 'utf8').catch(() => null)
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (held !== null && (age > SILENCE || isDead(held))) {
    // Renaming has only one winner if two processes remove the same stale lock; a lock taken in between is put back.
    const stale = `${lock}-${owner.split(' ')[2]}`
    await rename(lock, stale).catch(() => {})
    const moved = await readFile(stale, 'utf8').catch(() => held)
    if (moved === held) await rm(stale, { force: true })
    else await rename(stale, lock)
    return take(lock, owner)
  }
  return false
}

function unwritable(error: unknown): never {
  const reason = messageOf(error)
  const fix = 'set TORCH_PRUNE_CACHE to a folder that can be written'
  throw new TorchPruneError('ERR_OUTPUT', `nothing can be written to the cache (${reason}): ${fix}`, {
    cause: error,
  })
}

function isDead(owner: string): boolean {
  const [host, pid] = owner.split(' ')
  if (host !== hostname() || pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
