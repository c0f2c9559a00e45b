import type { Abortable } from '../base/abort.js'
import { checkWritable } from '../base/atomic.js'
import { refuse } from '../base/files.js'
import { type Job, telling } from '../base/job.js'
import { Lease } from '../base/lease.js'
import { type OptionsOf, readOptions } from '../base/option.js'
import { deriveSeed } from '../base/seed.js'
import type { Dataset } from '../data/dataset.js'
import { type DataSplits, splitsKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { loadWeights } from '../nn/weights_file.js'
import { Optimizer } from '../optim/optimizer.js'
import { checkSettings, checkTrainingSet, type TrainSettings } from '../train/check.js'
import { readNote, TrainingCheckpoint } from '../train/checkpoint.js'
import { checkTeacherValues, logitsOf } from '../train/distillation.js'
import { measure } from '../train/evaluate.js'
import { identityOf } from '../train/identity.js'
import { networkJob } from '../train/lease.js'
import { DEFAULT_LOSS } from '../train/losses.js'
import type { Evaluation } from '../train/metrics.js'
import { checkValues, checkWeights } from '../train/numbers.js'
import type { CacheOptions } from '../train/options/cache.js'
import type { RetrainOptions } from '../train/options.js'
import { checkCacheFits } from '../train/prefix.js'
import { checkTargets } from '../train/samples.js'
import { startTraining } from '../train/train.js'
import { type Criterion, checkCriterion } from './criterion.js'
import { adjustDropout } from './dropout.js'
import { initialDeviations, keptWeights, type LayerKept, pruneOnce, totalDensity } from './mask.js'
import { pruneOptions } from './options.js'
import { fixedIn, type Phase, phasesOf, prunedIn } from './phases.js'
import type { InitialDeviations, PruneProgress } from './progress.js'
import { densityAt } from './schedule.js'
import { parameterReport } from './surgery/neurons.js'

export interface PruneOptions<Name extends string = string>
  extends Abortable,
    Omit<OptionsOf<typeof pruneOptions>, 'criterion'> {
  readonly criterion: Criterion<Name>
}

/** The parts of a data set that pruning works on: it never sees the test set. */
export type PruningData = Pick<DataSplits, 'train' | 'validation'>

/** A round that is over. */
export interface Round {
  readonly round: number
  readonly rounds: number
  /** Share of the weights that is kept. */
  readonly density: number
  readonly compression: number
  readonly parameters: number
  /**
   * On the validation part, right after pruning and after retraining: percent of classes or labels, or the loss of a
   * regression.
   */
  readonly validationErrorBefore: number
  readonly validationError: number
  /** All that is known of the validation part after retraining. */
  readonly validation: Evaluation
  readonly layers: readonly LayerKept[]
  readonly seconds: number
}

export interface PruneResult {
  readonly rounds: readonly Round[]
  readonly initialDeviations: InitialDeviations
}

/**
 * Prunes and retrains in rounds (paper, figure 3). Survivors are retrained from their values; what is pruned is
 * sealed. Awaited, it resolves when done; iterated, it yields each round, and the network may be used between.
 *
 * A call that is refused leaves the network as it was: weights, masks, dropout, what is frozen, memory format.
 *
 * @throws TorchPruneError synchronously, by the call itself and before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE` for
 * wrong arguments, such as a criterion that names other layers. Whatever else goes wrong rejects the job: `ERR_ARGUMENT`
 * for a criterion that empties a layer, and as `train()`.
 */
export function prune<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: PruningData,
  options: PruneOptions<PrunableName<K>>,
): Job<Round, PruneResult, PruneProgress> {
  networkKind.read(network, 'prune: network')
  const parts = splitsKind('train', 'validation').read(data, 'prune: data')
  const read: PruneOptions = readOptions('prune', pruneOptions, options)
  const phases = checkPruning(network, read, parts)
  return networkJob(
    'prune()',
    network,
    { datasets: [parts.train, parts.validation], teacher: read.retrain.distillation?.teacher },
    (signal, report) =>
      roundsOf(network, parts, { ...read, signal, onProgress: telling(report, read.onProgress) }, phases),
    read.signal,
  )
}

/**
 * The phases of each round. Throws for whatever can be known to be wrong before anything is pruned: of the options, and
 * of the data where it is there.
 */
export function checkPruning(
  network: AnyNetwork,
  options: Pick<PruneOptions, 'criterion' | 'rounds' | 'phases' | 'retrain'>,
  data?: PruningData,
): readonly Phase[] {
  const { criterion, retrain } = options
  checkCriterion(network, criterion)
  const phases = phasesOf(network, options.phases)
  for (const phase of phases) {
    const frozen = [...network.frozen, ...fixedIn(network, phase)]
    const settings = settingsOf(retrain, phase)
    const sizes = checkSettings(network, settings, frozen)
    if (data) checkTrainingSet(network, data.train, settings, sizes, frozen)
  }
  if (data) checkTargets(network, data.validation, retrain.loss ?? DEFAULT_LOSS, 'the validation set')
  return phases
}

/** How a phase trains: the cache serves one that freezes the layers in front. */
function settingsOf(retrain: RetrainOptions, phase: Phase): TrainSettings {
  if (phase === 'fc') return retrain
  const { cachePrefix: _, cacheVariants: __, cacheMemory: ___, cacheDir: ____, ...settings } = retrain
  return settings
}

async function* roundsOf(
  network: AnyNetwork,
  data: PruningData,
  options: PruneOptions,
  phases: readonly Phase[],
): AsyncGenerator<Round, PruneResult, void> {
  const { rounds = 1, densitySchedule = 'geometric', signal, seed = network.seed } = options
  const { distillation: lesson, memoryFormat, ...retrain } = options.retrain
  const { cachePrefix, cacheVariants, cacheMemory, cacheDir, ...training } = retrain
  const { autocast, loss = DEFAULT_LOSS } = training
  const cache = { cachePrefix, cacheVariants, cacheMemory, cacheDir }
  const cached = cachePrefix === true && phases.includes('fc')
  const first = (options.after?.round ?? 0) + 1
  const within = { ...sameWithin(options), phases }
  /** How a phase of a round trains. */
  const trainingIn = (round: number, p: number) => ({
    ...training,
    ...(cached && phases[p] === 'fc' && cache),
    seed: deriveSeed(seed, round, p),
  })
  if (options.checkpoint) await checkWritable(options.checkpoint.path)
  let stopped = await stoppedIn(options, first)
  if (options.checkpoint && stopped) {
    const frozen = [...new Set([...network.frozen, ...fixedIn(network, phases[stopped.phase] ?? 'all')])]
    const settings = { ...trainingIn(first, stopped.phase), memoryFormat, distillation: lesson }
    const identity = await identityOf(network, data.train, settings, signal, frozen)
    await new TrainingCheckpoint({ ...options.checkpoint, within }, identity).checkSame()
  }
  Optimizer.of(network, retrain.optimizer, retrain.regularization, retrain.lrScale).dispose()
  await checkValues(data.train, 'the training set', signal)
  await checkValues(data.validation, 'the validation set', signal)
  if (lesson?.teacher) await checkTeacherValues(lesson.teacher, signal)
  if (!stopped) await checkWeights(network, signal)
  if (cached) await checkCached(network, data.train, cache)
  await using format = await withFormat(network, memoryFormat, signal)
  const initial = options.after?.initial ?? (await initialDeviations(network, signal))
  // Asked once for all rounds, and before the first of them prunes.
  const distillation = lesson && {
    ...lesson,
    teacher: await logitsOf(lesson.teacher ?? network, data.train, { autocast, signal }),
  }
  const done: Round[] = []
  for (let round = first; round <= rounds; round++) {
    const started = performance.now()
    let validationErrorBefore = stopped?.validationErrorBefore ?? 0
    for (const [p, phase] of phases.entries()) {
      if (p < (stopped?.phase ?? 0)) continue
      // Where retraining goes on, its pruning is done.
      if (stopped) await loadWeights(network, stopped.path)
      else {
        await pruneOnce(network, options.criterion, {
          ease: (density) => densityAt(densitySchedule, density, round, rounds),
          initial,
          only: prunedIn(network, phase),
          data: data.train,
          loss,
          signal,
        })
      }
      format.keep()
      const pruned = await keptWeights(network, signal)
      adjustDropout(network, pruned, options.adjustDropout)
      if (p === 0 && !stopped) {
        validationErrorBefore = (await measure(network, data.validation, { loss, autocast, signal })).error
      }
      if (!stopped) {
        await Lease.callBack(() => options.onPruned?.(round, totalDensity(pruned), { phase, index: p }))
      }
      // What the user has frozen stays so when the round is over.
      const fixed = fixedIn(network, phase).filter((name) => !network.frozen.includes(name))
      network.freeze(...fixed)
      try {
        const epochs = startTraining(network, data.train, {
          ...trainingIn(round, p),
          ...(training.earlyStopping && { validation: data.validation }),
          distillation,
          checkpoint: options.checkpoint && {
            ...options.checkpoint,
            note: { round, phase: p, validationErrorBefore },
            fresh: stopped === undefined,
            within,
          },
          signal,
          onProgress: (progress) => options.onProgress?.({ ...progress, round, rounds, phase }),
        })
        for await (const epoch of epochs) {
          await Lease.callBack(() => options.onEpoch?.({ ...epoch, round, rounds, phase }))
        }
      } finally {
        if (fixed.length > 0) network.unfreeze(...fixed)
      }
      stopped = undefined
    }
    const layers = await keptWeights(network, signal)
    const { kept, compression } = await parameterReport(network, signal)
    const validation = await measure(network, data.validation, { loss, autocast, signal })
    const event: Round = {
      round,
      rounds,
      density: totalDensity(layers),
      compression,
      parameters: kept,
      validationErrorBefore,
      validationError: validation.error,
      validation,
      layers,
      seconds: (performance.now() - started) / 1000,
    }
    done.push(event)
    yield event
  }
  return { rounds: done, initialDeviations: initial }
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

/** What must be the same for pruning to go on within a round, beside its retraining. */
function sameWithin({
  criterion,
  rounds = 1,
  densitySchedule = 'geometric',
  adjustDropout = true,
}: PruneOptions) {
  return { criterion, rounds, densitySchedule, adjustDropout }
}

/**
 * Where retraining was stopped within a round, if its file says so.
 *
 * @throws TorchPruneError `ERR_FILE` for a file of `train()`, which is not written over.
 */
async function stoppedIn({ checkpoint }: PruneOptions, round: number) {
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
