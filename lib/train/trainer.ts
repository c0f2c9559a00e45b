import { TorchPruneError } from '../base/errors.js'
import { deriveSeed } from '../base/seed.js'
import { loadAddon } from '../binding/addon.js'
import type { TrainerHandle, TrainingResult } from '../binding/native.js'
import { runStoppable } from '../binding/native_job.js'
import { explained } from '../data/batches.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { noRegularization } from '../optim/regularization.js'
import { stepsOf } from './check.js'
import { beginningOf, type TrainingCheckpoint } from './checkpoint.js'
import { lessonOf } from './distillation.js'
import { type BrokenTraining, causeOfBreakdown } from './divergence.js'
import { type EpochPlan, planEpoch } from './epoch_plan.js'
import { DEFAULT_LOSS } from './losses.js'
import { DEFAULT_BATCH_SIZE } from './options.js'
import { TrainingParts } from './parts.js'
import type { TrainPosition } from './progress.js'
import type { ImageSize } from './progressive.js'
import { Saves } from './saves.js'
import type { CaptureRecord, Training } from './training.js'
import type { SavedTraining, TrainingState } from './training_file.js'

/** What a trainer may have besides its options. */
export interface TrainerMore {
  /** The size of images in each epoch, if they are resized. */
  readonly sizes?: readonly (ImageSize | undefined)[] | undefined
  /** Where its state is saved. */
  readonly checkpoint?: TrainingCheckpoint | undefined
  /** The layers that were chosen to compute with their kept weights alone, if they were chosen already. */
  readonly sparse?: readonly string[] | undefined
}

/**
 * A training in progress. It holds the network from the first step to the last: `run()` does steps, `state()` is all
 * that a checkpoint keeps, and `load()` goes on from there.
 */
export class Trainer {
  readonly #network: AnyNetwork
  readonly #options: Training
  readonly #more: TrainerMore
  readonly #parts: TrainingParts
  readonly #handle: TrainerHandle
  readonly #steps: number
  #epoch: number
  #plan: EpochPlan | undefined
  #moved = false
  #captured = 0
  #capture: CaptureRecord | undefined
  #sparse: readonly string[] | undefined
  readonly #saves: Saves | undefined

  private constructor(
    network: AnyNetwork,
    dataset: Dataset,
    options: Training,
    more: TrainerMore,
    parts: TrainingParts,
    lesson: Awaited<ReturnType<typeof lessonOf>>,
  ) {
    const { batchSize = DEFAULT_BATCH_SIZE, dropLast = false, loss = DEFAULT_LOSS } = options
    const { accumulate = 1, clipGradients, autocast, capture, sparse, group, syncBatchNorm } = options
    this.#network = network
    this.#options = options
    this.#more = more
    this.#sparse = more.sparse
    this.#parts = parts
    this.#steps = stepsOf(dataset, options)
    this.#epoch = (options.splicing?.after ?? 0) + 1
    this.#handle = loadAddon().trainerMake(network.handle, parts.optimizer.handle, parts.samples.handle, {
      ...{ batchSize, dropLast, loss, accumulate, autocast, capture, sparse, syncBatchNorm },
      sparseLayers: more.sparse,
      clipNorm: clipGradients?.norm ?? 0,
      clipValue: clipGradients?.value ?? 0,
      ...parts.reading,
      ...lesson?.options,
      averages: parts.average?.handles,
      group: group?.handle,
    })
    // Of several processes, the first one saves, and says when.
    const { checkpoint } = more
    if (checkpoint && (group?.rank ?? 0) === 0) {
      this.#saves = new Saves(checkpoint, this.position, () => loadAddon().trainerPause(this.#handle))
    }
  }

  /** Makes the trainer of a network whose weights are in their places. */
  static async of(
    network: AnyNetwork,
    dataset: Dataset,
    options: Training,
    more: TrainerMore = {},
  ): Promise<Trainer> {
    const { distillation, autocast, signal } = options
    const parts = await TrainingParts.of(network, dataset, options)
    try {
      using lesson = await lessonOf(distillation, dataset, { autocast, signal })
      return new Trainer(network, dataset, options, more, parts, lesson)
    } catch (error) {
      parts[Symbol.dispose]()
      throw error
    }
  }

  /** The epoch that it is in, from 1; one more than all of them when it is done. */
  get epoch(): number {
    return this.#epoch
  }

  /** Whether the epoch that it is in has no more steps. */
  get epochDone(): boolean {
    return loadAddon().trainerState(this.#handle).over
  }

  /** Where it stands. */
  get position(): TrainPosition {
    const { over: _, ...tally } = loadAddon().trainerState(this.#handle)
    return { ...tally, epoch: this.#epoch }
  }

  /** What the epoch that it is in is to do. */
  async plan(): Promise<EpochPlan> {
    const { seed = this.#network.seed } = this.#options
    this.#plan ??= await planEpoch(this.#epoch, this.#steps, seed, this.#options, {
      average: this.#parts.average,
      size: this.#more.sizes?.[this.#epoch - 1],
    })
    return this.#plan
  }

  /**
   * Runs to the end of the epoch, or for `steps` more steps, or until it is time to save: it stops after an update of
   * the weights.
   *
   * @throws TorchPruneError `ERR_TORCH` or `ERR_ARGUMENT` naming the cause if numbers run out; the signal's reason
   */
  async run(steps?: number): Promise<void> {
    const { signal, onProgress, epochs, splicing } = this.#options
    const epoch = this.#epoch
    const plan = await this.plan()
    const before = this.position.steps
    this.#reseed(plan, before)
    const run = { ...plan, steps, pauseAfter: this.#saves?.pauseAfter }
    const result = await explained(this.#parts.samples.maker, () =>
      runStoppable(
        (report) => loadAddon().trainerRun(this.#handle, run, report),
        signal,
        onProgress && ((progress) => onProgress({ ...progress, epoch, epochs })),
      ),
    )
    if (result === undefined) throw signal?.reason
    this.#moved ||= result.steps > before
    this.#noteCapture(result)
    this.#sparse = result.sparse
    this.#refuseBroken(result, plan)
    if (result.splicing) splicing?.done(result.splicing)
    signal?.throwIfAborted()
    if (result.cancelled) {
      throw new TorchPruneError('ERR_GROUP', 'another process of this training was stopped: so is this one')
    }
  }

  /** Restarts dropout's random numbers, which are others in each process: their samples are others, too. */
  #reseed({ seed }: EpochPlan, steps: number): void {
    const { rank } = this.#options.group ?? { rank: 0 }
    // What a checkpoint has is where those of rank 0 stood.
    if (rank > 0) this.#network.reseed(deriveSeed(seed, rank, steps))
    else if (steps === 0) this.#network.reseed(seed)
  }

  #noteCapture({ captured, whyEager }: TrainingResult): void {
    if (captured === undefined) return
    const steps = captured - this.#captured + (this.#capture?.steps ?? 0)
    this.#capture = { steps, ...(whyEager && { eager: whyEager }) }
    this.#captured = captured
  }

  /** How the steps of the epoch that it is in ran on a GPU. */
  get capture(): CaptureRecord | undefined {
    return this.#capture
  }

  /** The layers that compute with their kept weights alone; undefined where that is not known yet. */
  get sparse(): readonly string[] | undefined {
    return this.#sparse
  }

  #refuseBroken(result: TrainingResult, { rates }: EpochPlan): void {
    const { broken, steps } = result
    if (broken === undefined) return
    const { optimizer, regularization = noRegularization, autocast } = this.#options
    throw causeOfBreakdown({
      epoch: this.#epoch,
      result: { ...result, broken } satisfies BrokenTraining['result'],
      moved: this.#moved,
      lr: rates[Math.max(0, Math.min(steps, rates.length) - 1)]!,
      optimizer,
      regularization,
      autocast,
    })
  }

  /** Begins another epoch, from 1. The scale of the loss stays. */
  begin(epoch: number): void {
    const { epoch: _, ...tally } = beginningOf(epoch)
    loadAddon().trainerLoad(this.#handle, tally)
    this.#epoch = epoch
    this.#plan = undefined
    this.#capture = undefined
  }

  /** Everything that training goes on with: where it stands, and what it remembers. */
  state(): TrainingState {
    const { optimizer, average, stopping } = this.#parts
    const { position } = this
    return { position, network: this.#network, optimizer, average, stopping, sparse: this.#sparse }
  }

  /** Goes on from a checkpoint whose weights are in the network already. */
  async load(saved: SavedTraining): Promise<void> {
    await saved.putInto(this.state())
    const { epoch, ...tally } = saved.position
    loadAddon().trainerLoad(this.#handle, tally)
    this.#epoch = epoch
    this.#plan = undefined
    this.#moved = true
    this.#saves?.loaded(saved.position)
  }

  /** Saves its state, if it is time to. It stands between two steps, where a run ended before its epoch. */
  async pause(): Promise<void> {
    await this.#saves?.atPause(this.state())
  }

  /** Saves its state, if there is a checkpoint and it has changed since then. A full disk only fails it `atAllCosts`. */
  async save(atAllCosts = false): Promise<void> {
    await this.#saves?.atEnd(this.state(), atAllCosts)
  }

  /** Waits for what is still being written, and tells of it. */
  async settle(): Promise<void> {
    await this.#saves?.settle()
  }

  [Symbol.dispose](): void {
    loadAddon().trainerDispose(this.#handle)
    this.#parts[Symbol.dispose]()
  }
}
