import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { removeLeftovers, writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { exists } from '../base/files.js'
import { readSafetensors, readSafetensorsHeader } from '../formats/safetensors.js'
import { withChecksum } from './checked_json.js'
import { CHECKPOINT_FOLDER } from './files.js'
import { readStored } from './stored_json.js'

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
  /** Everything that determines what the run computes; a run resumes only if it is the same. */
  plan: z.string(),
  seed: z.int(),
  /** Both are missing until the dense network is trained. */
  referenceValidationError: z.number().exactOptional(),
  initialDeviations: z.record(z.string(), z.number()).exactOptional(),
  rounds: z.array(roundSchema),
  /** The position at which training was last saved: an epoch of a round, or of the dense training, which is round 0. */
  within: z.object({ round: z.int(), epoch: z.int() }).exactOptional(),
  /** Set if the run ends with its dense network, which is already trained. */
  denseOnly: z.literal(true).exactOptional(),
  /** The time spent so far, over all sessions. */
  seconds: z.number(),
})

/**
 * How far a run has come. It is written after the dense training, after each round, and whenever training is saved in
 * between.
 */
export type RunState = z.infer<typeof stateSchema>

/** The state of a run whose dense network is already trained. */
export type PruningState = RunState &
  Required<Pick<RunState, 'referenceValidationError' | 'initialDeviations'>>

/** Whether the dense network is already trained. */
export function isPruning(state: RunState): state is PruningState {
  return state.referenceValidationError !== undefined && state.initialDeviations !== undefined
}

/** The files of an unfinished run, in the folder `checkpoint/` of its folder. */
export class Checkpoint {
  /** The path of the folder. */
  readonly folder: string

  constructor(runFolder: string) {
    this.folder = join(runFolder, CHECKPOINT_FOLDER)
  }

  /** The file of the network at the end of a round. */
  retrained(round: number): string {
    return join(this.folder, `round-${round}-retrained.safetensors`)
  }

  /** The file of the network right after pruning in one of a round's phases, which are counted from 0. */
  pruned(round: number, phase = 0): string {
    return join(this.folder, `round-${round}-pruned${phase === 0 ? '' : `-${phase + 1}`}.safetensors`)
  }

  /** The file of the training position within an epoch. */
  get position(): string {
    return join(this.folder, 'position.safetensors')
  }

  get #statePath(): string {
    return join(this.folder, 'state.json')
  }

  /** Reads the state that was saved last; undefined if there is none. Throws `ERR_FILE` if it cannot be read. */
  read(): Promise<RunState | undefined> {
    return readStored(
      this.#statePath,
      stateSchema,
      'begin again with { overwrite: true }, or choose another { out }',
    )
  }

  /** Saves the state. Throws `ERR_OUTPUT` if it cannot be written. */
  async write(state: RunState): Promise<void> {
    await writeJsonAtomically(this.#statePath, withChecksum(state))
  }

  async #removeDamagedPosition(): Promise<TorchPruneError | undefined> {
    if (!(await exists(this.position))) return undefined
    try {
      for (const name of (await readSafetensorsHeader(this.position)).tensors.keys()) {
        await readSafetensors(this.position, { only: [name] })
      }
      return undefined
    } catch (error) {
      if (!(error instanceof TorchPruneError && error.code === 'ERR_FILE')) throw error
      await rm(this.position)
      return error
    }
  }

  /** Writes the state after a finished part, and removes the training position within that part. */
  async settle(state: RunState): Promise<void> {
    await this.write(state)
    await rm(this.position, { force: true })
  }

  /**
   * Prepares the folder: left as it is for a run that is resumed, otherwise emptied. A damaged training position is
   * removed, and the error is returned.
   */
  async begin(resumes: boolean): Promise<TorchPruneError | undefined> {
    if (!resumes) {
      await this.clear()
      return undefined
    }
    await removeLeftovers(this.folder, { locked: true })
    return this.#removeDamagedPosition()
  }

  /** Empties the folder. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true })
  }
}
