import { z } from 'zod'
import { checkWritable } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { exists, isFullDisk, refuse } from '../base/files.js'
import { Lease } from '../base/lease.js'
import { warnOnce } from '../base/warning.js'
import { loadAddon } from '../binding/addon.js'
import { readSafetensors, readSafetensorsHeader, type SafetensorsFile } from '../formats/safetensors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { BESIDE, putWeights, type TakenNetwork, takeNetwork, writeNetwork } from '../nn/weights_file.js'
import type { Optimizer, ParameterState } from '../optim/optimizer.js'
import { fromManyBytes, type TensorPieces, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import { Tensor } from '../tensor/tensor.js'
import type { Average } from './average.js'
import type { EarlyStopping } from './early_stopping.js'
import { differenceOf, epochsDifference, type TrainingIdentity } from './identity.js'
import type { CheckpointOptions } from './options/checkpoint.js'
import type { TrainPosition } from './progress.js'

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

const KEY = `${BESIDE}training`
const MEND = 'remove it, or give another checkpoint.path, to train from the beginning'
const MOMENT = `${BESIDE}moment.`
const AVERAGE = `${BESIDE}average.`
const BEST = `${BESIDE}best.`
const RANDOM = `${BESIDE}random`

/** As native/train/loss_scale.h has it. */
const LARGEST_SCALE = 2 ** 24

const count = z.int().nonnegative()
const storedSchema = z.object({
  schema: z.literal(3),
  identity: z.looseObject({ epochs: count }),
  note: z.record(z.string(), z.number()),
  position: z.object({
    epoch: count,
    steps: count,
    samples: count,
    lossSum: z.number(),
    lossCount: z.number().nonnegative(),
    judged: count,
    correct: count,
    /** Of float16; files of other dtypes have none. */
    scale: z.number().min(1).max(LARGEST_SCALE).exactOptional(),
    scaleAge: count.exactOptional(),
  }),
  /** Steps of the optimizer by parameter. */
  optimizer: z.record(z.string(), count),
  stopping: z.object({ epoch: count, value: z.number().nullable(), waited: count }).optional(),
  /** The layers that were found to be faster with their kept weights alone. */
  sparse: z.array(z.string()).optional(),
})

/** What `note` said when a file was saved; undefined where there is no file. Throws `ERR_FILE` for a damaged one. */
export async function readNote(path: string): Promise<Readonly<Record<string, number>> | undefined> {
  if (!(await exists(path))) return undefined
  return parseStored((await readSafetensorsHeader(path)).metadata, path).note
}

/** Everything that training goes on with: where it stands, and what it remembers. */
export interface TrainingState {
  readonly position: TrainPosition
  readonly network: AnyNetwork
  readonly optimizer: Optimizer
  readonly average?: Average | undefined
  readonly stopping?: EarlyStopping | undefined
  /** The layers that compute with their kept weights alone. */
  readonly sparse?: readonly string[] | undefined
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

  /** Whether the file is written while training goes on. */
  background({ network }: TrainingState): boolean {
    return this.#options.background ?? network.device !== 'cpu'
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
  async take(state: TrainingState): Promise<TakenNetwork> {
    // The next one is not due before this one is written.
    this.#saved = performance.now()
    const { position, network, optimizer, average, stopping, sparse } = state
    const { note = {} } = this.#options
    const steps: Record<string, number> = {}
    const held = new HeldTensors()
    const tensors = new Map<string, TensorPieces>()
    for (const [name, state] of optimizer.state()) {
      steps[name] = state.steps
      for (const [moment, values] of Object.entries(state.moments)) {
        tensors.set(`${MOMENT}${moment}.${name}`, toPieces(held.use(values)))
      }
    }
    const copies = [
      ...Array.from(average?.tensors ?? [], ([name, values]) => [`${AVERAGE}${name}`, values] as const),
      ...Array.from(stopping?.tensors ?? [], ([name, values]) => [`${BEST}${name}`, values] as const),
    ]
    for (const [name, values] of copies)
      tensors.set(name, toPieces(held.use(Tensor.wrap(loadAddon().tensorSnapshot(values.handle)))))
    tensors.set(RANDOM, toPieces(held.use(Tensor.wrap(loadAddon().networkRandomState(network.handle)))))
    const { epoch, steps: done, samples, lossSum, lossCount, judged, correct, scale, scaleAge } = position
    const stored: z.infer<typeof storedSchema> = {
      schema: 3,
      identity: this.#identity,
      note,
      position: {
        ...{ epoch, steps: done, samples, lossSum, lossCount, judged, correct },
        ...(scale !== undefined && { scale }),
        ...(scaleAge !== undefined && { scaleAge }),
      },
      optimizer: steps,
      ...(stopping && { stopping: stopping.state }),
      ...(sparse && { sparse: [...sparse] }),
    }
    const taken = await takeNetwork(network, { metadata: { [KEY]: JSON.stringify(stored) }, tensors })
    const dispose = () => {
      taken[Symbol.dispose]()
      held[Symbol.dispose]()
    }
    return { ...taken, [Symbol.dispose]: dispose }
  }
}

/** What a file holds beside the network. */
export class SavedTraining {
  readonly position: TrainPosition
  /** The layers that computed with their kept weights alone. */
  readonly sparse: readonly string[] | undefined
  readonly #stored: z.infer<typeof storedSchema>
  readonly #tensors: SafetensorsFile['tensors']
  readonly #path: string

  /** @internal */
  constructor(stored: z.infer<typeof storedSchema>, file: SafetensorsFile, path: string) {
    this.position = stored.position
    this.sparse = stored.sparse
    this.#stored = stored
    this.#tensors = file.tensors
    this.#path = path
  }

  /** Takes up the moments, averages, and, within an epoch, where random numbers stood. */
  async putInto({ network, optimizer, average, stopping }: TrainingState): Promise<void> {
    using held = new HeldTensors()
    const take = async (name: string) => {
      const data = this.#tensors.get(name)
      if (data === undefined) return refuse(this.#path, `lacks the tensor ${name}`, MEND)
      return held.use(await fromManyBytes(data))
    }
    const states = new Map<string, ParameterState>()
    for (const [name, steps] of Object.entries(this.#stored.optimizer)) {
      const moments: Record<string, Tensor> = {}
      for (const moment of MOMENT_NAMES) {
        const key = `${MOMENT}${moment}.${name}`
        if (this.#tensors.has(key)) moments[moment] = await take(key)
      }
      states.set(name, { steps, moments })
    }
    await optimizer.loadState(states)
    if (average) {
      const averages = new Map<string, Tensor>()
      for (const name of average.tensors.keys()) averages.set(name, await take(`${AVERAGE}${name}`))
      await average.load(averages)
    }
    if (stopping && this.#stored.stopping) {
      const best = new Map<string, Tensor>()
      for (const name of this.#tensors.keys()) {
        if (name.startsWith(BEST)) {
          best.set(name.slice(BEST.length), await fromManyBytes(this.#tensors.get(name)!))
        }
      }
      const { value } = this.#stored.stopping
      // JSON has no infinity.
      await stopping.load({ ...this.#stored.stopping, value: value ?? Number.POSITIVE_INFINITY }, best)
    }
    if (this.position.steps > 0) {
      loadAddon().networkSetRandomState(network.handle, (await take(RANDOM)).handle)
    }
  }
}

/** PyTorch's names of what its optimizers remember. */
const MOMENT_NAMES = ['momentum_buffer', 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq']

function parseStored(metadata: Readonly<Record<string, string>>, path: string) {
  try {
    return storedSchema.parse(JSON.parse(metadata[KEY] ?? ''))
  } catch {
    return refuse(path, 'does not say where training stood', MEND)
  }
}
