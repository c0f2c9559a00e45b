import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { withChecksum } from '../runs/checked_json.js'
import { readStored } from '../runs/stored_json.js'

/** The parts of a study that are done, with all that decided them: it goes on only under the same. */
export class StudyParts<Part> {
  readonly done: Part[]
  readonly #path: string
  readonly #plan: string

  private constructor(path: string, plan: string, done: Part[]) {
    this.#path = path
    this.#plan = plan
    this.done = done
  }

  /** Those in a file, or none where there is no such file. Throws `ERR_FILE`; `ERR_OUTPUT` for another plan. */
  static async open<Part>(path: string, part: z.ZodType<Part>, plan: string): Promise<StudyParts<Part>> {
    const schema = z.object({ schema: z.literal(1), plan: z.string(), parts: z.array(part) })
    const found = await readStored(path, schema)
    if (found === undefined) return new StudyParts<Part>(path, plan, [])
    if (found.plan === plan) return new StudyParts<Part>(path, plan, found.parts)
    throw new TorchPruneError(
      'ERR_OUTPUT',
      `${dirname(path)} holds a study with other options: repeat those to go on, or choose another --out`,
    )
  }

  async save(): Promise<void> {
    await writeJsonAtomically(this.#path, withChecksum({ schema: 1, plan: this.#plan, parts: this.done }))
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}
