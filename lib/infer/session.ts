import { setImmediate } from 'node:timers/promises'
import { TorchPruneError } from '../base/errors.js'
import { path as pathKind } from '../base/kind.js'
import { product } from '../base/lists.js'
import { readOptions } from '../base/option.js'
import { shown } from '../base/shown.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type {
  NativeCompiledLayer,
  NativeFolded,
  NativeSession,
  NativeSessionOptions,
  SessionHandle,
} from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { Device } from '../tensor/device.js'
import { type ClassifyOptions, classifyOptions, type Guess, guesses } from './classes.js'

/**
 * How a layer is computed: by libtorch with its zeros (`'dense'`), the same with a convolution's weights laid out for oneDNN
 * once (`'packed'`), by libtorch's sparse rows (`'csr'`), by our loops over what is kept (`'sparse'`), by those over
 * indices of shared values (`'shared'`), or by a GPU's sparse tensor cores (`'semi-structured'`).
 */
export type LayerForm = 'dense' | 'packed' | 'csr' | 'sparse' | 'shared' | 'semi-structured'

/** A layer of a compiled network. */
export interface CompiledLayer {
  readonly name: string
  /** Without those of dead neurons. */
  readonly weights: number
  /** How many of them are not zero. */
  readonly kept: number
  readonly form: LayerForm
  /** How long a batch took in each form that was measured: medians, in milliseconds. */
  readonly milliseconds: Readonly<Partial<Record<LayerForm, number>>>
  /** The share of weights that are not zero. */
  readonly density: number
  /**
   * The density below which our loops are faster than the dense form here, about; undefined where one of the two was not
   * measured, as in a layer without zeros, or in a session from a file.
   */
  readonly breakEven: number | undefined
}

/** Samples, one behind the other: floats as the network takes them, or bytes where the session normalizes. */
export type SessionSamples = Float32Array | Uint8Array | Uint8ClampedArray

/** What a session is made with, apart from the network. */
export interface SessionSettings {
  readonly batch: number
  readonly threads: number
  readonly concurrency: number
  readonly inputShape: readonly number[]
  readonly device: Device
  readonly autocast?: NativeSessionOptions['autocast']
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** What a session came from: the network, which knows how its layers are written. */
export interface SessionSource {
  write(
    path: string,
    session: Session,
    settings: SessionSettings,
    layers: readonly NativeFolded[],
  ): Promise<void>
  dispose(): void
}

// A session that is done sooner runs on the calling thread: a job would take longer to come and go.
const AT_ONCE_MS = 0.2
// Of many batches that are done sooner, so much at a time.
const SPELL_MS = 1
const CLONING = uncloneable('a session stays in its thread (compile the network there)')

/**
 * A compiled network: it runs, and never changes. Calls may overlap: as many run at once as `concurrency` says, off the
 * event loop unless they take microseconds, and the others wait. Calls of several sessions that run one at a time share a
 * thread. `dispose()`, or `using`, frees it.
 */
export class Session {
  /** @internal */
  readonly cloning = CLONING
  /** Where it runs. */
  readonly device: Device
  /** How many samples run together. */
  readonly batch: number
  /** The threads that each call computes with. */
  readonly threads: number
  /** How many calls run at once. */
  readonly concurrency: number
  /** The shape of one sample. */
  readonly inputShape: readonly number[]
  /** The shape of the output for one sample. */
  readonly outputShape: readonly number[]
  /** The layers with weights, in order. */
  readonly layers: readonly CompiledLayer[]
  /** How long one batch takes: the median of a few, in milliseconds. */
  readonly milliseconds: number
  /** What the weights take in memory. */
  readonly bytes: number
  readonly #handle: SessionHandle
  readonly #size: number
  readonly #settings: SessionSettings
  readonly #source: SessionSource
  /** Calls of several batches, and saves, that are not over. */
  #calls = 0
  #disposed = false

  /** @internal */
  constructor(compiled: NativeSession, settings: SessionSettings, source: SessionSource) {
    const { device, batch, threads, concurrency, inputShape } = settings
    this.#settings = settings
    this.#source = source
    this.#handle = compiled.session
    this.device = device
    this.batch = batch
    this.threads = threads
    this.concurrency = concurrency
    this.inputShape = [...inputShape]
    this.outputShape = compiled.outputShape
    this.layers = compiled.layers.map(described)
    this.milliseconds = compiled.milliseconds
    this.bytes = compiled.bytes
    this.#size = product(inputShape)
  }

  /**
   * Returns the outputs of one sample, `[...inputShape]` in memory. It takes as long as a whole batch does: compile with
   * `batch: 1` for samples that come one by one.
   */
  async run(sample: SessionSamples): Promise<Float32Array> {
    return this.#runParts(this.#checked(sample, 'Session.run: sample', 1))
  }

  /**
   * Returns the outputs of any number of samples, `[n, ...outputShape]` in memory. They run `batch` at a time, and
   * `concurrency` batches at once. Samples are read batch by batch: leave them as they are until the outputs are there.
   *
   * @throws TorchPruneError `ERR_ARGUMENT` if the samples were transferred or resized meanwhile
   */
  async runBatch(samples: SessionSamples): Promise<Float32Array> {
    return this.#runParts(this.#checked(samples, 'Session.runBatch: samples'))
  }

  /** Returns the outputs of at most `batch` samples, computed on the calling thread, which waits for them. */
  runSync(samples: SessionSamples): Float32Array {
    return loadAddon().sessionRun(
      this.#handle,
      this.#checked(samples, 'Session.runSync: samples', this.batch),
    )
  }

  /**
   * Returns the most probable classes of one sample (softmax of the outputs), the most probable one first.
   *
   * @throws TorchPruneError `ERR_SHAPE` if the network does not put out a number for each class; `ERR_ARGUMENT` if those
   * are NaN or infinite.
   */
  async classify(sample: SessionSamples, options: ClassifyOptions = {}): Promise<readonly Guess[]> {
    const { top } = readOptions('Session.classify', classifyOptions, options)
    if (this.outputShape.length !== 1) {
      const message = `Session.classify: the network puts out [${this.outputShape.join(', ')}] for a sample, not a number for each class: use run()`
      throw new TorchPruneError('ERR_SHAPE', message)
    }
    const outputs = await this.#runParts(this.#checked(sample, 'Session.classify: sample', 1))
    return guesses(outputs).slice(0, top)
  }

  /**
   * Writes the session to a safetensors file, from which `loadSession()` makes it again without measuring. It holds the
   * network as it runs, with normalizations in the layers before them, and other readers see a network of the same graph.
   */
  async save(path: string): Promise<void> {
    pathKind.read(path, 'Session.save: path')
    this.#refuseDisposed('Session.save')
    await this.#during(async () => {
      const layers = await runJob(() => loadAddon().sessionFoldedStart(this.#handle))
      await this.#source.write(path, this, this.#settings, layers)
    })
  }

  /** Frees the memory; what is running ends first. */
  dispose(): void {
    this.#disposed = true
    this.#freeUnused()
  }

  #refuseDisposed(what: string): void {
    if (this.#disposed) throw new TorchPruneError('ERR_DISPOSED', `${what}: this session was disposed of`)
  }

  #freeUnused(): void {
    if (!this.#disposed || this.#calls > 0) return
    loadAddon().sessionDispose(this.#handle)
    this.#source.dispose()
  }

  /** Work that takes several steps, for all of which the session stays. */
  async #during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#calls++
    try {
      return await work()
    } finally {
      this.#calls--
      this.#freeUnused()
    }
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #runParts(samples: Float32Array | Uint8Array): Promise<Float32Array> {
    const most = this.batch * this.#size
    return samples.length <= most ? this.#runPart(samples) : this.#during(() => this.#runMany(samples, most))
  }

  /** More than a batch, which is so many numbers. */
  async #runMany(samples: Float32Array | Uint8Array, most: number): Promise<Float32Array> {
    const width = product(this.outputShape)
    const count = samples.length
    const outputs = new Float32Array((count / this.#size) * width)
    let next = 0
    const atOnce = this.#atOnce && this.concurrency === 1
    let rested = performance.now()
    const one = async () => {
      for (let at = next; at < count; at = next) {
        next += most
        if (samples.length !== count) {
          const message = `Session.runBatch: samples had ${count} numbers and now have ${samples.length}: transfer or resize them when the outputs are there`
          throw new TorchPruneError('ERR_ARGUMENT', message)
        }
        const part = samples.subarray(at, at + most)
        const output = atOnce ? loadAddon().sessionRun(this.#handle, part) : await this.#runJob(part)
        if (atOnce && performance.now() - rested > SPELL_MS) {
          await setImmediate()
          rested = performance.now()
        }
        outputs.set(output, (at / this.#size) * width)
      }
    }
    await Promise.all(Array.from({ length: this.concurrency }, one))
    return outputs
  }

  get #atOnce(): boolean {
    return this.milliseconds < AT_ONCE_MS
  }

  /** At most a batch, on whichever thread is done sooner. */
  #runPart(samples: Float32Array | Uint8Array): Float32Array | Promise<Float32Array> {
    return this.#atOnce ? loadAddon().sessionRun(this.#handle, samples) : this.#runJob(samples)
  }

  #runJob(samples: Float32Array | Uint8Array): Promise<Float32Array> {
    return runJob(() => loadAddon().sessionRunStart(this.#handle, samples))
  }

  /** Samples of the right type, whole, and no more than `most` of them. */
  #checked(samples: unknown, what: string, most = Number.POSITIVE_INFINITY): Float32Array | Uint8Array {
    this.#refuseDisposed(what)
    const read =
      samples instanceof Uint8ClampedArray
        ? new Uint8Array(samples.buffer, samples.byteOffset, samples.length)
        : samples
    if (!(read instanceof Float32Array || read instanceof Uint8Array)) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${what} must be a Float32Array or a Uint8Array, got ${shown(samples)}`,
      )
    }
    const count = read.length / this.#size
    if (Number.isInteger(count) && count >= 1 && count <= most) return read
    const shape = `[${this.inputShape.join(', ')}]`
    const wanted =
      most === 1
        ? `${this.#size} numbers, those of one sample ${shape}`
        : `${this.#size} numbers for each sample ${shape}${Number.isFinite(most) ? `, at most ${most} of them` : ''}`
    throw new TorchPruneError('ERR_SHAPE', `${what}: expected ${wanted}, got ${read.length}`)
  }
}

function described(layer: NativeCompiledLayer): CompiledLayer {
  const { dense, sparse } = layer.milliseconds
  const density = layer.kept / layer.weights
  // Our loops take as long as they have weights to go over.
  const breakEven =
    dense === undefined || sparse === undefined ? undefined : Math.min(1, (density * dense) / sparse)
  return { ...layer, density, breakEven }
}
