import { checkWritable } from '../base/atomic.js'
import { refuse } from '../base/files.js'
import { Lease } from '../base/lease.js'
import { deriveSeed } from '../base/seed.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { loadWeights } from '../nn/weights_file.js'
import { Optimizer } from '../optim/optimizer.js'
import type { TrainSettings } from '../train/check.js'
import { type KeptCheckpoint, TrainingCheckpoint } from '../train/checkpoint.js'
import { checkTeacherValues, logitsOf } from '../train/distillation.js'
import { measure } from '../train/evaluate.js'
import { identityOf } from '../train/identity.js'
import { DEFAULT_LOSS, type Loss } from '../train/losses.js'
import type { Evaluation } from '../train/metrics.js'
import { checkValues, checkWeights } from '../train/numbers.js'
import type { CacheOptions } from '../train/options/cache.js'
import type { Distillation } from '../train/options/distillation.js'
import type { RetrainOptions, TrainOptions } from '../train/options.js'
import { checkCacheFits } from '../train/prefix.js'
import { startTraining } from '../train/train.js'
import { readNote } from '../train/training_file.js'
import { adjustDropout } from './dropout.js'
import { initialDeviations, keptWeights, pruneOnce, totalDensity } from './mask.js'
import type { PruneOptions } from './options.js'
import { fixedIn, type Phase, prunedIn } from './phases.js'
import type { InitialDeviations } from './progress.js'
import type { PruneResult, PruningData, Round } from './round.js'
import { densityAt } from './schedule.js'
import { parameterReport } from './surgery/neurons.js'

/** Where retraining was stopped within a round. */
interface Stopped {
  readonly path: string
  readonly phase: number
  readonly validationErrorBefore: number
}

/** Pruning and retraining in rounds, with options that are checked already. */
export class Rounds {
  readonly #network: AnyNetwork
  readonly #data: PruningData
  readonly #options: PruneOptions
  readonly #phases: readonly Phase[]
  readonly #count: number
  readonly #loss: Loss
  /** What the phase that freezes the convolutions caches. */
  readonly #cache: CacheOptions | undefined

  constructor(network: AnyNetwork, data: PruningData, options: PruneOptions, phases: readonly Phase[]) {
    this.#network = network
    this.#data = data
    this.#options = options
    this.#phases = phases
    this.#count = options.rounds ?? 1
    this.#loss = options.retrain.loss ?? DEFAULT_LOSS
    const { cachePrefix, cacheVariants, cacheMemory, cacheDir } = options.retrain
    if (cachePrefix && phases.includes('fc')) {
      this.#cache = { cachePrefix, cacheVariants, cacheMemory, cacheDir }
    }
  }

  async *run(): AsyncGenerator<Round, PruneResult, void> {
    const { after, retrain, adjustDropout: rule, onPruned, signal } = this.#options
    const network = this.#network
    const first = (after?.round ?? 0) + 1
    let stopped = await this.#begin(first)
    await using format = await withFormat(network, retrain.memoryFormat, signal)
    const initial = after?.initial ?? (await initialDeviations(network, signal))
    const distillation = await this.#lesson()
    // Whoever loads the network of a finished round gets its first dropout back, and no round may be left to adjust it.
    if (first > 1) adjustDropout(network, await keptWeights(network, signal), rule)
    const done: Round[] = []
    for (let round = first; round <= this.#count; round++) {
      const started = performance.now()
      let validationErrorBefore = stopped?.validationErrorBefore ?? 0
      for (const [index, phase] of this.#phases.entries()) {
        if (index < (stopped?.phase ?? 0)) continue
        // If retraining was stopped, its pruning is done.
        if (stopped) await loadWeights(network, stopped.path)
        else await this.#prune(round, phase, initial)
        format.keep()
        const pruned = await keptWeights(network, signal)
        adjustDropout(network, pruned, rule)
        if (!stopped) {
          if (index === 0) validationErrorBefore = (await this.#validate()).error
          await Lease.callBack(() => onPruned?.(round, totalDensity(pruned), { phase, index }))
        }
        const note = { round, phase: index, validationErrorBefore }
        await this.#retrain(round, index, { distillation, note, fresh: stopped === undefined })
        stopped = undefined
      }
      const event = await this.#ended(round, validationErrorBefore, started)
      done.push(event)
      yield event
    }
    return { rounds: done, initialDeviations: initial }
  }

  /** Checks all that can be checked before anything is pruned, and returns where the first round was stopped. */
  async #begin(first: number): Promise<Stopped | undefined> {
    const { checkpoint, retrain, signal } = this.#options
    const network = this.#network
    const { train, validation } = this.#data
    if (checkpoint) await checkWritable(checkpoint.path)
    const stopped = await stoppedIn(checkpoint, first)
    if (checkpoint && stopped) {
      const fixed = fixedIn(network, this.#phases[stopped.phase] ?? 'all')
      const { memoryFormat, distillation } = retrain
      const settings = { ...this.#training(first, stopped.phase), memoryFormat, distillation }
      const frozen = [...new Set([...network.frozen, ...fixed])]
      const identity = await identityOf(network, train, settings, signal, frozen)
      await new TrainingCheckpoint({ ...checkpoint, within: this.#within }, identity).checkSame()
    }
    Optimizer.of(network, retrain.optimizer, retrain.regularization, retrain.lrScale).dispose()
    await checkValues(train, 'the training set', signal)
    await checkValues(validation, 'the validation set', signal)
    const teacher = retrain.distillation?.teacher
    if (teacher) await checkTeacherValues(teacher, signal)
    if (!stopped) await checkWeights(network, signal)
    if (this.#cache) await checkCached(network, train, this.#cache)
    return stopped
  }

  /** What survivors learn from a teacher, who is asked once for all rounds, before the first of them prunes. */
  async #lesson(): Promise<Distillation | undefined> {
    const { retrain, signal } = this.#options
    const { distillation, autocast } = retrain
    if (!distillation) return undefined
    const teacher = distillation.teacher ?? this.#network
    return { ...distillation, teacher: await logitsOf(teacher, this.#data.train, { autocast, signal }) }
  }

  async #prune(round: number, phase: Phase, initial: InitialDeviations): Promise<void> {
    const { criterion, densitySchedule = 'geometric', signal } = this.#options
    await pruneOnce(this.#network, criterion, {
      ease: (density) => densityAt(densitySchedule, density, round, this.#count),
      initial,
      only: prunedIn(this.#network, phase),
      data: this.#data.train,
      loss: this.#loss,
      signal,
    })
  }

  /** Trains the layers of a phase, the others being frozen. */
  async #retrain(
    round: number,
    index: number,
    {
      distillation,
      ...position
    }: Pick<KeptCheckpoint, 'note' | 'fresh'> & Pick<TrainOptions, 'distillation'>,
  ): Promise<void> {
    const { checkpoint, retrain, group, signal, onProgress, onEpoch } = this.#options
    const network = this.#network
    const { train, validation } = this.#data
    const phase = this.#phases[index]!
    const place = { round, rounds: this.#count, phase }
    // What the user has frozen stays frozen when the round is over.
    const fixed = fixedIn(network, phase).filter((name) => !network.frozen.includes(name))
    network.freeze(...fixed)
    try {
      const epochs = startTraining(network, train, {
        ...this.#training(round, index),
        ...(retrain.earlyStopping && { validation }),
        distillation,
        group,
        checkpoint: checkpoint && { ...checkpoint, ...position, within: this.#within },
        signal,
        onProgress: (progress) => onProgress?.({ ...progress, ...place }),
      })
      for await (const epoch of epochs) await Lease.callBack(() => onEpoch?.({ ...epoch, ...place }))
    } finally {
      if (fixed.length > 0) network.unfreeze(...fixed)
    }
  }

  /** How a phase of a round trains. */
  #training(round: number, index: number) {
    const { distillation: _, memoryFormat: __, ...retrain } = this.#options.retrain
    return {
      ...settingsOf(retrain, 'all'),
      ...(this.#phases[index] === 'fc' && this.#cache),
      seed: deriveSeed(this.#options.seed ?? this.#network.seed, round, index),
    }
  }

  /** What must be the same for pruning to go on within a round, beside its retraining. */
  get #within() {
    const { criterion, densitySchedule = 'geometric', adjustDropout = true } = this.#options
    return { criterion, rounds: this.#count, densitySchedule, adjustDropout, phases: this.#phases }
  }

  async #validate(): Promise<Evaluation> {
    const { retrain, group, signal } = this.#options
    const { autocast } = retrain
    const evaluation = await measure(this.#network, this.#data.validation, {
      loss: this.#loss,
      autocast,
      signal,
    })
    return group ? await group.ofFirst(evaluation, signal) : evaluation
  }

  async #ended(round: number, validationErrorBefore: number, started: number): Promise<Round> {
    const { signal } = this.#options
    const layers = await keptWeights(this.#network, signal)
    const { kept, compression } = await parameterReport(this.#network, signal)
    const validation = await this.#validate()
    return {
      round,
      rounds: this.#count,
      density: totalDensity(layers),
      compression,
      parameters: kept,
      validationErrorBefore,
      validationError: validation.error,
      validation,
      layers,
      seconds: (performance.now() - started) / 1000,
    }
  }
}

/** How a phase trains. The cache is for a phase that freezes the layers in front. */
export function settingsOf(retrain: RetrainOptions, phase: Phase): TrainSettings {
  if (phase === 'fc') return retrain
  const { cachePrefix: _, cacheVariants: __, cacheMemory: ___, cacheDir: ____, ...settings } = retrain
  return settings
}

/** Lays a network's weights out anew, and back as they were unless `keep()` is called: what fails changes nothing. */
async function withFormat(
  network: AnyNetwork,
  format: RetrainOptions['memoryFormat'],
  signal: AbortSignal | undefined,
) {
  let before: RetrainOptions['memoryFormat'] = network.memoryFormat
  if (format) await network.setMemoryFormat(format, signal)
  return {
    keep() {
      before = undefined
    },
    async [Symbol.asyncDispose]() {
      if (before) await network.setMemoryFormat(before)
    },
  }
}

/** Throws where the phase that freezes the convolutions leaves nothing to cache, or the cache has no place. */
async function checkCached(network: AnyNetwork, dataset: Dataset, cache: CacheOptions): Promise<void> {
  const fixed = fixedIn(network, 'fc').filter((name) => !network.frozen.includes(name))
  network.freeze(...fixed)
  try {
    await checkCacheFits(network, dataset, cache)
  } finally {
    if (fixed.length > 0) network.unfreeze(...fixed)
  }
}

/**
 * Where retraining was stopped within a round, if its file says so.
 *
 * @throws TorchPruneError `ERR_FILE` for a file of `train()`, which is not written over.
 */
async function stoppedIn(
  checkpoint: PruneOptions['checkpoint'],
  round: number,
): Promise<Stopped | undefined> {
  const note = checkpoint && (await readNote(checkpoint.path))
  if (note && note.round === undefined) {
    refuse(
      checkpoint!.path,
      'was saved by train(), not within prune()',
      'give another checkpoint.path, or remove it',
    )
  }
  if (note?.round !== round) return undefined
  const { phase = 0, validationErrorBefore = 0 } = note
  return { path: checkpoint!.path, phase, validationErrorBefore }
}
