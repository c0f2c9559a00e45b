import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { destination, makeFolder, removeLeftovers } from '../base/atomic.js'
import { exists, outputError } from '../base/files.js'
import { Lock, type LockOwner } from '../base/lock.js'
import { Checkpoint } from './checkpoint.js'
import { FIGURES_FOLDER, LOCK_FILE, RECORD_FILE, REPLACEMENT_FOLDER, RUN_FILES } from './files.js'

/** A folder in which only this process works, until it is disposed of. */
export class OwnFolder implements AsyncDisposable {
  readonly #lock: Lock
  readonly #made: boolean
  #work: string

  private constructor(
    readonly folder: string,
    lock: Lock,
    made: boolean,
  ) {
    this.#lock = lock
    this.#made = made
    this.#work = folder
  }

  /**
   * Makes a folder, locks it, and cleans up after a process that was killed in it.
   *
   * @throws TorchPruneError `ERR_BUSY`, naming the owner, when another process is working in it; `ERR_OUTPUT` when it
   * cannot be written.
   */
  static async open(folder: string): Promise<OwnFolder> {
    const made = !(await exists(folder))
    await makeFolder(folder)
    const own = new OwnFolder(folder, await Lock.take(join(folder, LOCK_FILE), folder), made)
    try {
      await putInPlace(folder)
      for (const inside of [folder, join(folder, FIGURES_FOLDER), own.replacement]) {
        await removeLeftovers(inside, { locked: true })
      }
      return own
    } catch (error) {
      await own[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Where the run works: the folder itself, or a folder inside it while the run that it replaces is still there. */
  get work(): string {
    return this.#work
  }

  /** The folder of a run that will replace the one next to it. */
  get replacement(): string {
    return join(this.folder, REPLACEMENT_FOLDER)
  }

  /** The previous owner, if it died while working. */
  get before(): LockOwner | undefined {
    return this.#lock.before
  }

  /** Keeps the existing run until the new one is done. */
  async replace(): Promise<void> {
    await makeFolder(this.replacement)
    this.#work = this.replacement
  }

  /** Declares the run done, so that it takes the place of the run that it replaces, if any. */
  async finish(): Promise<void> {
    if (this.#work !== this.folder) await putInPlace(this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock[Symbol.asyncDispose]()
    // A refused run leaves nothing behind. If the folder is not empty, it stays.
    if (this.#made) await rmdir(this.folder).catch(() => {})
  }
}

/**
 * Locks a file that only this process may write, and removes what dead processes left in its folder.
 *
 * @throws TorchPruneError `ERR_BUSY`, naming the owner, when another process is writing it; `ERR_OUTPUT` when it is
 * a folder, or the lock cannot be written.
 */
export async function ownFile(path: string): Promise<Lock> {
  // Said before the work, not when its result is written.
  await destination(path)
  const lock = await Lock.take(`${path}.lock`, path)
  await removeLeftovers(dirname(path))
  return lock
}

/**
 * Moves a finished replacement into the place of the run that it replaces. If the process dies in between, the next one
 * continues: all files of the new run exist at any time.
 */
async function putInPlace(folder: string): Promise<void> {
  const replacement = join(folder, REPLACEMENT_FOLDER)
  const whole = `${replacement}-done`
  try {
    if (!(await exists(whole))) {
      if (!(await isDone(replacement))) return
      for (const name of RUN_FILES) await rm(join(folder, name), { recursive: true, force: true })
      await rename(replacement, whole)
    }
    for (const name of await readdir(whole)) await rename(join(whole, name), join(folder, name))
    await rm(whole, { recursive: true })
  } catch (cause) {
    throw outputError(folder, cause)
  }
}

async function isDone(folder: string): Promise<boolean> {
  if (await exists(join(folder, RECORD_FILE))) return true
  return (await new Checkpoint(folder).read())?.denseOnly === true
}
