import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeJsonAtomically } from '../io/atomic.js'
import { inputError, refuse, systemCode } from '../io/files.js'

const layerKept = z.object({ name: z.string(), weights: z.number(), kept: z.number(), density: z.number() })

const roundSchema = z.object({
  round: z.int(),
  rounds: z.int(),
  density: z.number(),
  compression: z.number(),
  parameters: z.number(),
  validationErrorBefore: z.number(),
  validationError: z.number(),
  layers: z.array(layerKept),
  seconds: z.number(),
})

const stateSchema = z.object({
  schema: z.literal(1),
  recipe: z.string(),
  /** All that decides what the run computes; a run resumes only under the same. */
  plan: z.string(),
  seed: z.int(),
  referenceValidationError: z.number(),
  initialDeviations: z.record(z.string(), z.number()),
  rounds: z.array(roundSchema),
  /** Spent so far, in all sittings. */
  seconds: z.number(),
})

/** Where a run stands: written after the dense training and after each round. */
export type RunState = z.infer<typeof stateSchema>

/** The files of an unfinished run, in `checkpoint/` of its folder. */
export class Checkpoint {
  readonly folder: string

  constructor(runFolder: string) {
    this.folder = join(runFolder, 'checkpoint')
  }

  /** The network at the end of a round, or right after its pruning. */
  weights(round: number, when: 'pruned' | 'retrained'): string {
    return join(this.folder, `round-${round}-${when}.safetensors`)
  }

  get #statePath(): string {
    return join(this.folder, 'state.json')
  }

  /** The state saved last, or undefined where there is none. Throws `ERR_FILE` for one that cannot be read. */
  async read(): Promise<RunState | undefined> {
    let text: string
    try {
      text = await readFile(this.#statePath, 'utf8')
    } catch (error) {
      // Where a part of the path is a file, whoever writes there says so.
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined
      throw inputError(this.#statePath, error)
    }
    try {
      return stateSchema.parse(JSON.parse(text))
    } catch {
      return refuse(
        this.#statePath,
        'is damaged or of another version',
        `remove ${this.folder}, or choose another --out`,
      )
    }
  }

  async write(state: RunState): Promise<void> {
    await writeJsonAtomically(this.#statePath, state)
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true })
  }
}
