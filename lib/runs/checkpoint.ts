import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { removeLeftovers, writeJsonAtomically } from '../io/atomic.js'
import { inputError, refuse, systemCode } from '../io/files.js'
import { CHECKPOINT_FOLDER } from './files.js'

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
  /** Both are missing until the dense network is trained. */
  referenceValidationError: z.number().exactOptional(),
  initialDeviations: z.record(z.string(), z.number()).exactOptional(),
  rounds: z.array(roundSchema),
  /** Where training stood when it was saved last: an epoch of a round, of the dense training in round 0. */
  within: z.object({ round: z.int(), epoch: z.int() }).exactOptional(),
  /** The run ends with its dense network, which is there. */
  denseOnly: z.literal(true).exactOptional(),
  /** Spent so far, in all sittings. */
  seconds: z.number(),
})

/** Where a run stands: written after the dense training, after each round, and when training is saved on the way. */
export type RunState = z.infer<typeof stateSchema>

/** One whose dense network is there. */
export type PruningState = RunState &
  Required<Pick<RunState, 'referenceValidationError' | 'initialDeviations'>>

export function isPruning(state: RunState): state is PruningState {
  return state.referenceValidationError !== undefined && state.initialDeviations !== undefined
}

/** The files of an unfinished run, in `checkpoint/` of its folder. */
export class Checkpoint {
  readonly folder: string

  constructor(runFolder: string) {
    this.folder = join(runFolder, CHECKPOINT_FOLDER)
  }

  /** The network at the end of a round, or right after its pruning. */
  weights(round: number, when: 'pruned' | 'retrained'): string {
    return join(this.folder, `round-${round}-${when}.safetensors`)
  }

  /** Where training stands within an epoch. */
  get position(): string {
    return join(this.folder, 'position.safetensors')
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
        'begin again with { overwrite: true }, or choose another { out }',
      )
    }
  }

  async write(state: RunState): Promise<void> {
    await writeJsonAtomically(this.#statePath, state)
  }

  /** Writes the state behind a part that is over; where training stood within it is needed no more. */
  async settle(state: RunState): Promise<void> {
    await this.write(state)
    await rm(this.position, { force: true })
  }

  /** Makes the folder ready: as it is left by a run that goes on, or empty. */
  async begin(goesOn: boolean): Promise<void> {
    if (goesOn) await removeLeftovers(this.folder, { locked: true })
    else await this.clear()
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true })
  }
}
