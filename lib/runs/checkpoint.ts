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

  /** The network at the end of a round. */
  retrained(round: number): string {
    return join(this.folder, `round-${round}-retrained.safetensors`)
  }

  /** The network right after the pruning of one of a round's phases, counted from 0. */
  pruned(round: number, phase = 0): string {
    return join(this.folder, `round-${round}-pruned${phase === 0 ? '' : `-${phase + 1}`}.safetensors`)
  }

  /** Where training stands within an epoch. */
  get position(): string {
    return join(this.folder, 'position.safetensors')
  }

  get #statePath(): string {
    return join(this.folder, 'state.json')
  }

  /** The state saved last, or undefined where there is none. Throws `ERR_FILE` for one that cannot be read. */
  read(): Promise<RunState | undefined> {
    return readStored(
      this.#statePath,
      stateSchema,
      'begin again with { overwrite: true }, or choose another { out }',
    )
  }

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

  /** Writes the state behind a part that is over; where training stood within it is needed no more. */
  async settle(state: RunState): Promise<void> {
    await this.write(state)
    await rm(this.position, { force: true })
  }

  /**
   * Makes the folder ready: as it is left by a run that goes on, or empty. Where training stood within an epoch is
   * removed when it is damaged, and the error returned.
   */
  async begin(goesOn: boolean): Promise<TorchPruneError | undefined> {
    if (!goesOn) {
      await this.clear()
      return undefined
    }
    await removeLeftovers(this.folder, { locked: true })
    return this.#removeDamagedPosition()
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true })
  }
}
