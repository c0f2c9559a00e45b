import type { z } from 'zod'
import { checkWritable } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { exists, isFullDisk, refuse } from '../base/files.js'
import { Lease } from '../base/lease.js'
import { warnOnce } from '../base/warning.js'
import { loadAddon } from '../binding/addon.js'
import { readSafetensors, readSafetensorsHeader } from '../formats/safetensors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { putWeights, type TakenNetwork, writeNetwork } from '../nn/weights_file.js'
import { differenceOf, epochsDifference, type TrainingIdentity } from './identity.js'
import type { CheckpointOptions } from './options/checkpoint.js'
import type { TrainPosition } from './progress.js'
import {
  MEND,
  parseStored,
  SavedTraining,
  type storedSchema,
  type TrainingState,
  takeTraining,
} from './training_file.js'

/** A checkpoint as the library keeps it: where users want it, and what it stands for. */
export interface KeptCheckpoint extends CheckpointOptions {
  /** Plain data that is kept in the file. */
  readonly note?: Readonly<Record<string, number>> | undefined
  /** Begins anew, whatever file there is. */
  readonly fresh?: boolean | undefined
  /** What else must be the same for work to go on, epochs included: plain data by option. */
  readonly within?: Readonly<Record<string, unknown>> | undefined
}

export function beginningOf(epoch: number): TrainPosition {
  return { epoch, steps: 0, samples: 0, lossSum: 0, lossCount: 0, judged: 0, correct: 0 }
}

/** Says once, where nobody listens, that a checkpoint was left out. */
export function warnOfFullDisk(error: TorchPruneError): void {
  warnOnce(`training goes on without a new checkpoint, and tries again later (${error.message})`)
}

/** One training's file. */
export class TrainingCheckpoint {
  readonly #options: KeptCheckpoint
  readonly #identity: TrainingIdentity
  #saved = performance.now()

  constructor(options: KeptCheckpoint, identity: TrainingIdentity) {
    this.#options = options
    this.#identity = { ...identity, ...options.within }
  }

  /** Whether there is a file to go on from. */
  async found(): Promise<boolean> {
    const { path, fresh } = this.#options
    return !fresh && (await exists(path))
  }

  /** Throws `ERR_OUTPUT` where the file cannot be written. */
  checkPlace(): Promise<void> {
    return checkWritable(this.#options.path)
  }

  /** Seconds until it is time to save again; undefined for never. */
  get pauseAfter(): number | undefined {
    const { minutes } = this.#options
    return minutes === undefined
      ? undefined
      : Math.max(0, 60 * minutes - (performance.now() - this.#saved) / 1000)
  }

  /**
   * Loads weights and masks from the file, where it exists, and returns the rest of it.
   *
   * @throws TorchPruneError `ERR_FILE` for one that is damaged, does not fit, or is of another training.
   */
  async restore(network: AnyNetwork): Promise<SavedTraining | undefined> {
    const { path } = this.#options
    if (!(await this.found())) return undefined
    const file = await readSafetensors(path)
    const stored = parseStored(file.metadata, path)
    this.#refuseOther(stored, this.#identity)
    await putWeights(network, file, path)
    return new SavedTraining(stored, file, path)
  }

  /** Throws `ERR_FILE` where the file is of another training, whatever its masks: they come with it. */
  async checkSame(): Promise<void> {
    const { path } = this.#options
    const stored = parseStored((await readSafetensorsHeader(path)).metadata, path)
    this.#refuseOther(stored, { ...this.#identity, masks: stored.identity.masks })
  }

  #refuseOther(
    { identity, position }: z.infer<typeof storedSchema>,
    mine: Readonly<Record<string, unknown>>,
  ): void {
    const { path, within } = this.#options
    const saved = identity.epochs
    const now = this.#identity.epochs
    const other =
      differenceOf(identity, mine) ??
      (within && saved !== now
        ? `was saved by a retraining of ${saved} epochs, this one has ${now}`
        : epochsDifference(saved, now, position, identity))
    if (other !== undefined) refuse(path, other, MEND)
  }

  /** Whether the file is written while training goes on. By default it is where a GPU has memory for both. */
  inBackground({ tensors }: TakenNetwork, { network: { device } }: TrainingState): boolean {
    if (this.#options.background !== undefined || device === 'cpu') return this.#options.background ?? false
    const bytes = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
    return (loadAddon().cudaMemory(device)?.free ?? 0) >= bytes
  }

  /** Calls `onSaved`. */
  async told(position: TrainPosition): Promise<void> {
    const { onSaved } = this.#options
    await Lease.callBack(() => onSaved?.(position))
  }

  /** Takes in why the file could not be written: a full disk fails nothing, and the file that was saved before stays. */
  async failed(error: unknown): Promise<void> {
    if (!(error instanceof TorchPruneError && isFullDisk(error))) throw error
    const { onFailed } = this.#options
    if (onFailed) await Lease.callBack(() => onFailed(error))
    else warnOfFullDisk(error)
  }

  /** Throws `ERR_OUTPUT` where the file cannot be written. */
  async write(taken: TakenNetwork): Promise<void> {
    try {
      await writeNetwork(this.#options.path, taken)
    } finally {
      this.#saved = performance.now()
    }
  }

  /** Takes the state as it is now. It is its own: training may go on, and change what it was taken from. */
  take(state: TrainingState): Promise<TakenNetwork> {
    // The next one is not due before this one is written.
    this.#saved = performance.now()
    return takeTraining(state, this.#identity, this.#options.note)
  }
}
