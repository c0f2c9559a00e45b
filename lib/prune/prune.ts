import type { Job } from '../base/job.js'
import { Lease } from '../base/lease.js'
import type { JobOptions, Listener } from '../binding/native_job.js'
import type { DataSplits } from '../data/dataset.js'
import { checkCounts, TorchPruneError } from '../errors.js'
import { loadWeights } from '../io/network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import type { AnyNetwork } from '../nn/network.js'
import type { OptimizerSpec } from '../optim/spec.js'
import { type CheckpointOptions, readNote } from '../train/checkpoint.js'
import { type Distillation, logitsOf } from '../train/distillation.js'
import { evaluate } from '../train/evaluate.js'
import { networkJob } from '../train/lease.js'
import { checkCache } from '../train/prefix.js'
import { progressiveSizes } from '../train/progressive.js'
import { deriveSeed } from '../train/seed.js'
import { type Epoch, type TrainOptions, type TrainProgress, train } from '../train/train.js'
import type { Criterion } from './criterion.js'
import { adjustDropout, type DropoutRule } from './dropout.js'
import {
  applyCriterion,
  checkCriterion,
  type InitialDeviations,
  initialDeviations,
  keptWeights,
  type LayerKept,
  totalDensity,
} from './mask.js'
import { parameterReport } from './neurons.js'
import { fixedIn, type Phase, type Phases, phasesOf, prunedIn } from './phases.js'
import { type DensitySchedule, densityAt } from './schedule.js'

/**
 * How survivors are trained, with the options and defaults of `train`: nothing is taken over from an earlier training.
 * The cache serves phases that freeze the layers in front.
 */
export interface RetrainOptions
  extends Omit<
    TrainOptions,
    'distillation' | 'validation' | 'checkpoint' | 'seed' | 'signal' | 'onProgress' | 'splicing'
  > {
  /** Its rate is used as it is: a tenth of the dense one for the LeNets, a hundredth for AlexNet (paper, section 4). */
  readonly optimizer: OptimizerSpec
  /** The survivors learn from a teacher beside the labels: the network as it comes, unless another is given. */
  readonly distillation?: (Omit<Distillation, 'teacher'> & Partial<Pick<Distillation, 'teacher'>>) | undefined
}

export interface PruneOptions<Name extends string = string> extends JobOptions {
  readonly criterion: Criterion<Name>
  /** 1 unless given. */
  readonly rounds?: number
  readonly densitySchedule?: DensitySchedule
  readonly retrain: RetrainOptions
  /**
   * What each round does in turn: `['all']` unless given; `'alternate'`, or `['fc', 'conv']`, fixes the one kind
   * of layer while the other recovers.
   */
  readonly phases?: Phases
  /** Dropout of retraining: by the square-root rule unless given. */
  readonly adjustDropout?: DropoutRule | undefined
  readonly seed?: number | undefined
  /** Goes on behind this round: masks and weights are those of its end. */
  readonly after?: { readonly round: number; readonly initial: InitialDeviations } | undefined
  /**
   * Saves where retraining stands, and goes on from there, when the file is of the first round that is left to do;
   * one of an earlier round is written over.
   */
  readonly checkpoint?: Omit<CheckpointOptions, 'note' | 'fresh'> | undefined
  readonly onProgress?: Listener<PruneProgress> | undefined
  /** Awaited after each epoch of retraining. */
  readonly onEpoch?: ((epoch: RetrainEpoch) => Promise<void> | void) | undefined
  /** Awaited when a phase of a round has pruned and not retrained yet. */
  readonly onPruned?:
    | ((round: number, density: number, phase: PrunedPhase) => Promise<void> | void)
    | undefined
}

export interface PruneProgress extends TrainProgress {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/** A phase, and its place among those of a round, from 0. */
export interface PrunedPhase {
  readonly phase: Phase
  readonly index: number
}

/** An epoch of retraining that is over. */
export interface RetrainEpoch extends Epoch {
  readonly round: number
  readonly rounds: number
  readonly phase: Phase
}

/** A round that is over. */
export interface Round {
  readonly round: number
  readonly rounds: number
  /** Share of the weights that is kept. */
  readonly density: number
  readonly compression: number
  readonly parameters: number
  /** Percent, on the validation part: right after pruning, and after retraining. */
  readonly validationErrorBefore: number
  readonly validationError: number
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
 * @throws TorchPruneError `ERR_ARGUMENT` for a criterion that names other layers or empties one.
 */
export function prune<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: PruneOptions<PrunableName<K>>,
): Job<Round, PruneResult> {
  const phases = checkPruning(network, options as PruneOptions)
  return networkJob(
    'prune()',
    network,
    { datasets: [data.train, data.validation], teacher: options.retrain.distillation?.teacher },
    (signal) => roundsOf(network, data, { ...(options as PruneOptions), signal }, phases),
    options.signal,
  )
}

/** The phases of each round. Throws for whatever can be known to be wrong before anything is pruned. */
export function checkPruning(
  network: AnyNetwork,
  options: Pick<PruneOptions, 'criterion' | 'rounds' | 'phases' | 'retrain'>,
): readonly Phase[] {
  const { rounds = 1, criterion, retrain } = options
  checkCounts({ rounds, 'retrain.epochs': retrain.epochs })
  if (typeof retrain.optimizer !== 'object' || retrain.optimizer === null) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'retrain.optimizer is needed, with the learning rate to retrain at: sgd({ lr: 0.01 })',
    )
  }
  checkCriterion(network, criterion)
  const phases = phasesOf(network, options.phases)
  const { cachePrefix, progressiveResizing } = retrain
  if (cachePrefix && phases.includes('fc')) checkCache(retrain)
  if (progressiveResizing) progressiveSizes(network, retrain.epochs, progressiveResizing)
  return phases
}

async function* roundsOf(
  network: AnyNetwork,
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: PruneOptions,
  phases: readonly Phase[],
): AsyncGenerator<Round, PruneResult, void> {
  const { rounds = 1, densitySchedule = 'geometric', signal, seed = network.seed } = options
  const { distillation: lesson, memoryFormat, ...retrain } = options.retrain
  const { cachePrefix, cacheVariants, cacheMemory, cacheDir, ...training } = retrain
  const { autocast } = training
  const cache = { cachePrefix, cacheVariants, cacheMemory, cacheDir }
  const cached = cachePrefix === true && phases.includes('fc')
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const initial = options.after?.initial ?? (await initialDeviations(network, signal))
  // Asked once for all rounds, and before the first of them prunes.
  const distillation = lesson && {
    ...lesson,
    teacher: await logitsOf(lesson.teacher ?? network, data.train, { autocast, signal }),
  }
  const done: Round[] = []
  const first = (options.after?.round ?? 0) + 1
  let stopped = await stoppedIn(options, first)
  for (let round = first; round <= rounds; round++) {
    const started = performance.now()
    let validationErrorBefore = stopped?.validationErrorBefore ?? 0
    for (const [p, phase] of phases.entries()) {
      if (p < (stopped?.phase ?? 0)) continue
      // Where retraining goes on, its pruning is done.
      if (stopped) await loadWeights(network, stopped.path)
      else {
        await applyCriterion(network, options.criterion, {
          ease: (density) => densityAt(densitySchedule, density, round, rounds),
          initial,
          only: prunedIn(network, phase),
          data: data.train,
          signal,
        })
      }
      const pruned = await keptWeights(network, signal)
      adjustDropout(network, pruned, options.adjustDropout)
      if (p === 0 && !stopped) {
        validationErrorBefore = (await evaluate(network, data.validation, { autocast, signal })).top1Error
      }
      if (!stopped) {
        await Lease.callBack(() => options.onPruned?.(round, totalDensity(pruned), { phase, index: p }))
      }
      // What the user has frozen stays so when the round is over.
      const fixed = fixedIn(network, phase).filter((name) => !network.frozen.includes(name))
      network.freeze(...fixed)
      try {
        const epochs = train(network, data.train, {
          ...training,
          distillation,
          ...(cached && phase === 'fc' && cache),
          seed: deriveSeed(seed, round, p),
          checkpoint: options.checkpoint && {
            ...options.checkpoint,
            note: { round, phase: p, validationErrorBefore },
            fresh: stopped === undefined,
          },
          signal,
          onProgress:
            options.onProgress && ((progress) => options.onProgress?.({ ...progress, round, rounds, phase })),
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
    const { top1Error } = await evaluate(network, data.validation, { autocast, signal })
    const event: Round = {
      round,
      rounds,
      density: totalDensity(layers),
      compression,
      parameters: kept,
      validationErrorBefore,
      validationError: top1Error,
      layers,
      seconds: (performance.now() - started) / 1000,
    }
    done.push(event)
    yield event
  }
  return { rounds: done, initialDeviations: initial }
}

/** Where retraining was stopped within a round, if its file says so. */
async function stoppedIn({ checkpoint }: PruneOptions, round: number) {
  const note = checkpoint && (await readNote(checkpoint.path))
  if (note?.round !== round) return undefined
  const { phase = 0, validationErrorBefore = 0 } = note
  return { path: checkpoint!.path, phase, validationErrorBefore }
}
