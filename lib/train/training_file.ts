import { z } from 'zod'
import { exists, refuse } from '../base/files.js'
import { loadAddon } from '../binding/addon.js'
import { readSafetensorsHeader, type SafetensorsFile } from '../formats/safetensors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { BESIDE, type TakenNetwork, takeNetwork } from '../nn/weights_file.js'
import type { Optimizer, ParameterState } from '../optim/optimizer.js'
import { fromManyBytes, type TensorPieces, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import { Tensor } from '../tensor/tensor.js'
import type { Average } from './average.js'
import type { EarlyStopping } from './early_stopping.js'
import type { TrainingIdentity } from './identity.js'
import type { TrainPosition } from './progress.js'

const KEY = `${BESIDE}training`
export const MEND = 'remove it, or give another checkpoint.path, to train from the beginning'
const MOMENT = `${BESIDE}moment.`
const AVERAGE = `${BESIDE}average.`
const BEST = `${BESIDE}best.`
const RANDOM = `${BESIDE}random`

/** As native/train/loss_scale.h has it. */
const LARGEST_SCALE = 2 ** 24

const count = z.int().nonnegative()
export const storedSchema = z.object({
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

/** Takes the state as it is now. It is its own: training may go on, and change what it was taken from. */
export function takeTraining(
  { position, network, optimizer, average, stopping, sparse }: TrainingState,
  identity: TrainingIdentity,
  note: Readonly<Record<string, number>> = {},
): Promise<TakenNetwork> {
  const held = new HeldTensors()
  return held.filling(async () => {
    const steps: Record<string, number> = {}
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
      identity,
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
    const beside = { metadata: { [KEY]: JSON.stringify(stored) }, tensors }
    const taken = held.use(await takeNetwork(network, beside))
    return { ...taken, [Symbol.dispose]: () => held[Symbol.dispose]() }
  })
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

export function parseStored(metadata: Readonly<Record<string, string>>, path: string) {
  try {
    return storedSchema.parse(JSON.parse(metadata[KEY] ?? ''))
  } catch {
    return refuse(path, 'does not say where training stood', MEND)
  }
}
