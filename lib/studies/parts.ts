import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { withChecksum } from '../runs/checked_json.js'
import { readStored } from '../runs/stored_json.js'

/**
 * The finished parts of a study, together with everything that determined them: a study continues only if that is the
 * same.
 */
export class StudyParts<Part> {
  /** The finished parts; add to it, then call `save()`. */
  readonly done: Part[]
  readonly #path: string
  readonly #plan: string

  private constructor(path: string, plan: string, done: Part[]) {
    this.#path = path
    this.#plan = plan
    this.done = done
  }

  /**
   * Reads the parts in a file; there are none if the file does not exist. Throws `ERR_FILE` if it is damaged,
   * `ERR_OUTPUT` if it belongs to another plan.
   */
  static async open<Part>(path: string, part: z.ZodType<Part>, plan: string): Promise<StudyParts<Part>> {
    const schema = z.object({ schema: z.literal(1), plan: z.string(), parts: z.array(part) })
    const found = await readStored(path, schema)
    if (found === undefined) return new StudyParts<Part>(path, plan, [])
    if (found.plan === plan) return new StudyParts<Part>(path, plan, found.parts)
    throw new TorchPruneError(
      'ERR_OUTPUT',
      `${dirname(path)} holds a study with other options: repeat those to continue, or choose another --out`,
    )
  }

  /** Saves the finished parts. Throws `ERR_OUTPUT` if they cannot be written. */
  async save(): Promise<void> {
    await writeJsonAtomically(this.#path, withChecksum({ schema: 1, plan: this.#plan, parts: this.done }))
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}
