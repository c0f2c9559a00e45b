import { randomUUID } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { temporaryName } from './atomic.js'
import { TorchPruneError } from './errors.js'
import { outputError, systemCode } from './files.js'
import { isRunning, thisProcess } from './process.js'
import { onOneLine } from './text.js'

const SIGN_MS = 15_000
/** A process that cannot be seen from here is presumed dead after giving no sign of life for this long. */
const SILENT_MS = 4 * SIGN_MS

const ownerSchema = z.looseObject({
  pid: z.int(),
  host: z.string(),
  place: z.string(),
  born: z.string(),
  command: z.string(),
  /** ISO 8601 in UTC. */
  since: z.string(),
  id: z.string(),
})

/** Who holds a lock. */
export type LockOwner = z.infer<typeof ownerSchema>

/** The locks of this thread: the paths of their files, keyed by owner ID. */
const held = new Map<string, string>()

/** A file that names its owner for as long as the owner works on what the file stands for. */
export class Lock implements AsyncDisposable {
  readonly #path: string
  readonly #id: string
  readonly #signs: NodeJS.Timeout
  /** The previous owner, if it died without releasing the lock. */
  readonly before: LockOwner | undefined

  private constructor(path: string, id: string, before: LockOwner | undefined) {
    this.#path = path
    this.#id = id
    this.before = before
    this.#signs = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), SIGN_MS)
    this.#signs.unref()
    if (held.size === 0) process.on('exit', releaseAll)
    held.set(id, path)
  }

  /**
   * Creates the file `path`, which guards what `what` names. An owner that died without releasing it is replaced.
   *
   * @throws TorchPruneError `ERR_BUSY`, naming the owner, when there is one; `ERR_OUTPUT` when the file cannot be
   * written.
   */
  static async take(path: string, what: string): Promise<Lock> {
    const owner = newOwner()
    let before: LockOwner | undefined
    while (!(await create(path, owner))) {
      const found = await read(path)
      if (found === undefined) continue
      refuseWhileOwned(found, path, what)
      if (await clear(path, found)) before = found.owner
    }
    return new Lock(path, owner.id, before)
  }

  /** Releases the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#signs)
    held.delete(this.#id)
    if (held.size === 0) process.off('exit', releaseAll)
    const found = await read(this.#path).catch(() => undefined)
    if (found?.owner?.id === this.#id) await rm(this.#path, { force: true })
  }
}

interface Found {
  /** Undefined if the file names no owner, which can happen after a power cut. */
  readonly owner: LockOwner | undefined
  readonly text: string
  readonly silentMs: number
}

function newOwner(): LockOwner {
  const [, script = '', ...words] = process.argv
  return {
    ...thisProcess(),
    command: [basename(script), ...words].join(' ').slice(0, 200),
    since: new Date().toISOString(),
    id: randomUUID(),
  }
}

/** Creates the file so that it appears complete. Returns false if it already exists. */
async function create(path: string, owner: LockOwner): Promise<boolean> {
  const text = `${JSON.stringify(owner, null, 2)}\n`
  const temporary = join(dirname(path), temporaryName())
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    await link(temporary, path).catch((cause: unknown) => {
      // Some file systems do not support links.
      if (systemCode(cause) === 'EEXIST') throw cause
      return writeFile(path, text, { flag: 'wx' })
    })
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw outputError(path, cause)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

async function read(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { owner: parseOwner(text), text, silentMs: Date.now() - mtimeMs }
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw outputError(path, cause)
  }
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function refuseWhileOwned({ owner, silentMs }: Found, path: string, what: string): void {
  const refuse = (who: string, fix: string): never => {
    throw new TorchPruneError('ERR_BUSY', onOneLine(`${what} is in use by ${who}: ${fix}`))
  }
  const wait = 'wait until it ends, or choose another place'
  if (owner === undefined) {
    if (silentMs <= SILENT_MS) refuse('another process', wait)
    return
  }
  const { pid, host, command, since, id } = owner
  const who = `process ${pid} on ${host} (${command}) since ${since}`
  if (host !== hostname()) refuse(who, `wait until it ends, or remove ${path} if it has ended`)
  const running = isRunning(owner)
  // Another thread of this process has its own locks, and so did a thread that has ended.
  const seen = pid === process.pid && running && !held.has(id) ? undefined : running
  if (seen ?? silentMs <= SILENT_MS) refuse(who, wait)
}

/** Removes a dead owner's file. Returns false if somebody else was faster. */
async function clear(path: string, { text }: Found): Promise<boolean> {
  const aside = join(dirname(path), temporaryName())
  try {
    await rename(path, aside)
    const same = (await readFile(aside, 'utf8')) === text
    // If a new owner came in between, it gets its file back.
    if (!same) await link(aside, path).catch(() => {})
    return same
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return false
    throw outputError(path, cause)
  } finally {
    await rm(aside, { force: true }).catch(() => {})
  }
}

function releaseAll(): void {
  for (const path of held.values()) {
    try {
      unlinkSync(path)
    } catch {
      // Whoever takes the lock next sees that this process is gone.
    }
  }
}
