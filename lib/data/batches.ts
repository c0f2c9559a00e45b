import { isObject, list } from '../base/collection.js'
import { messageOf, TorchPruneError } from '../base/errors.js'
import { type Kind, kind, whole, words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { BatchAsk, BatchQueueHandle, TensorHandle } from '../binding/native.js'
import { tensorKind } from '../tensor/core.js'
import { Tensor } from '../tensor/tensor.js'

/** Samples and their targets, as they are used in one step of training. */
export interface Batch {
  /** The samples, `[n, …]`: uint8, other whole numbers, or floats. */
  readonly images: Tensor
  /** The targets, `[n]` or `[n, …]`: whole numbers for classes, floats for anything else. */
  readonly labels: Tensor
}

/** A batch that is passed to the function of `map()`; its tensors are disposed of afterward. */
export interface MappedBatch extends Batch {
  /** The index of each sample in the dataset. */
  readonly indices: readonly number[]
}

/** What a source is told about the pass for which it makes batches. */
export interface BatchesOf {
  /** The seed of the epoch. A source that shuffles by it gives the same order for the same seed of the training. */
  readonly seed: number
  /** It aborts when no more batches are needed, even if the source has not reached its end. */
  readonly signal: AbortSignal
}

export type Batches = Iterable<Batch> | AsyncIterable<Batch>

/**
 * A source of batches: either a function that is called once per pass, or an object that can be iterated repeatedly.
 */
export type BatchSource = Batches | ((of: BatchesOf) => Batches)

const shapeKind = list(whole(1), 'an array of sizes of 1 or more')

const made = {
  /**
   * The shape of one sample's label.
   * @default []
   */
  targetShape: optional(shapeKind),
  /**
   * The dtype of labels: `'int64'` for classes, `'float32'` for anything else.
   * @default 'int64'
   */
  targetDtype: optional(words('int64', 'float32')),
  /**
   * The number of batches that are made before they are needed.
   * @default 2
   */
  ahead: optional(whole(1), 2),
}

/** The options of `Dataset.fromBatches` that concern batches, by name. */
export const batchesOptions = {
  /** The shape of one sample. */
  sampleShape: shapeKind,
  ...made,
  /**
   * The number of batches in a pass, which ends after that many. Schedules over all steps and averages need to know it.
   * @default none: a pass ends when its source does
   */
  batches: optional(whole(1)),
}

/** The options of `MapOptions`, by name. */
export const mapOptions = {
  /**
   * The shape of one sample after the function.
   * @default the shape before it
   */
  sampleShape: optional(shapeKind),
  ...made,
}

/** Options of `Dataset.map`. */
export interface MapOptions extends OptionsOf<typeof mapOptions> {}

/** A source of batches as an argument. */
export const sourceKind: Kind<BatchSource> = kind(
  'a function that makes batches, or what can be iterated for them',
  (value) => typeof value === 'function' || isIterable(value),
)

function isIterable(value: unknown): value is Batches {
  return isObject(value) || Array.isArray(value)
    ? Symbol.asyncIterator in value || Symbol.iterator in value
    : false
}

/** How a pass gets its next batch: from a source, or from a batch that is passed to it. */
type Step = (of: MappedBatch | undefined) => Promise<Batch | undefined>

interface Pass {
  readonly queue: BatchQueueHandle
  readonly step: Step
  readonly stop: () => void
  /** Resolves when the batch in progress, and all before it, have been made. */
  last: Promise<void>
  closed: boolean
  /** The number of batches that have been made. */
  number: number
}

/**
 * Makes batches when the compute thread requests them, one after the other and never more than requested. Everything
 * happens on the main thread.
 */
export class BatchMaker {
  readonly #passes = new Map<number, Pass>()
  readonly #begin: (of: BatchesOf) => Step
  readonly #owned: boolean
  #before: BatchMaker | undefined
  #failure: { readonly message: string; readonly error: unknown } | undefined

  private constructor(begin: (of: BatchesOf) => Step, owned: boolean) {
    this.#begin = begin
    this.#owned = owned
  }

  /** Makes batches from a source. */
  static of(source: BatchSource): BatchMaker {
    return new BatchMaker(
      (pass) => stepsOf(typeof source === 'function' ? source(pass) : source, pass),
      false,
    )
  }

  /** Makes batches with a function; the library disposes of what it returns. */
  static mapping(fn: (batch: MappedBatch) => Batch | Promise<Batch>): BatchMaker {
    return new BatchMaker(() => async (of) => await fn(of!), true)
  }

  /** The function that the addon calls. */
  readonly ask: BatchAsk = (event, id, ...more) => {
    if (event === 'open') {
      const [queue, seed] = more as [BatchQueueHandle, number]
      this.#open(id, queue, seed)
    } else if (event === 'close') {
      const pass = this.#passes.get(id)
      this.#passes.delete(id)
      if (!pass) return
      pass.closed = true
      pass.stop()
    } else {
      const [images, labels, indices] = more as [TensorHandle?, TensorHandle?, number[]?]
      const of =
        images && labels && indices
          ? { images: Tensor.wrap(images), labels: Tensor.wrap(labels), indices }
          : undefined
      const pass = this.#passes.get(id)
      if (pass) pass.last = pass.last.then(() => this.#make(pass, of))
    }
  }

  /** Also explains the failures of another maker, whose batches it receives. */
  after(other: BatchMaker | undefined): this {
    this.#before = other
    return this
  }

  /** The error that a job should fail with; it has a cause if it was a failure of this source. */
  explain(error: unknown): unknown {
    const failure = this.#failure
    if (!(error instanceof TorchPruneError) || error.message !== failure?.message) {
      return this.#before ? this.#before.explain(error) : error
    }
    return new TorchPruneError(error.code, error.message, { cause: failure.error })
  }

  #open(id: number, queue: BatchQueueHandle, seed: number): void {
    const controller = new AbortController()
    let step: Step
    try {
      step = this.#begin({ seed, signal: controller.signal })
    } catch (error) {
      step = () => Promise.reject(error)
    }
    const stop = () => controller.abort()
    this.#passes.set(id, { queue, step, stop, last: Promise.resolve(), closed: false, number: 0 })
  }

  async #make(pass: Pass, of: MappedBatch | undefined): Promise<void> {
    const native = loadAddon()
    let batch: Batch | undefined
    try {
      if (pass.closed) return
      batch = await pass.step(of)
      if (pass.closed) return
      if (batch === undefined) native.batchesEnd(pass.queue)
      else {
        const { images, labels } = checked(batch)
        native.batchesPut(pass.queue, images.handle, labels.handle)
        pass.number++
      }
    } catch (error) {
      pass.closed = true
      const said = messageOf(error)
      const message = `batch ${pass.number + 1} could not be made: ${said}`
        .replaceAll(/\s+/g, ' ')
        .slice(0, 350)
      this.#failure = { message, error }
      native.batchesEnd(pass.queue, message)
    } finally {
      of?.images.dispose()
      of?.labels.dispose()
      if (this.#owned) {
        batch?.images?.dispose?.()
        batch?.labels?.dispose?.()
      }
    }
  }
}

function checked(batch: unknown): Batch {
  if (!isObject(batch)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'it must be an object { images, labels } of tensors')
  }
  const images = tensorKind.read(batch.images, 'images') as Tensor
  const labels = tensorKind.read(batch.labels, 'labels') as Tensor
  return { images, labels }
}

function stepsOf(batches: Batches, { signal }: BatchesOf): Step {
  const iterator =
    Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]()
  // Nobody waits for a source to clean up, because it might never answer.
  const leave = async () => void (await iterator.return?.())
  signal.addEventListener('abort', () => void leave().catch(() => {}), { once: true })
  return async () => {
    const { done, value } = await iterator.next()
    return done ? undefined : (value as Batch)
  }
}

/** Runs a job over a dataset; if its source fails, the error has the original error as its cause. */
export async function explained<Result>(
  maker: BatchMaker | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw maker ? maker.explain(error) : error
  }
}
