import { type Abortable, abortOptions } from '../base/abort.js'
import { list, record } from '../base/collection.js'
import { computeOptions } from '../base/compute.js'
import { anyOf, callback, exactly, type Kind, number, seed, text, whole, words } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { datasetKind } from '../data/splits.js'
import { processGroupKind } from '../distributed/process_group.js'
import { checkpointKind } from '../train/options/checkpoint.js'
import { selfDistillationKind } from '../train/options/distillation.js'
import { evaluateOptions } from '../train/options/evaluate.js'
import { type RetrainOptions, retrainOptions, trainOptions } from '../train/options.js'
import { type Criterion, criterionKind } from './criterion.js'
import type { PrunedPhase, PruneProgress, RetrainEpoch, SpliceEpoch } from './progress.js'
import { pacesOptions, type TwoPaces } from './schedule.js'

const densitySchedule = words('geometric', 'linear', 'cubic')
const twoPaces: Kind<TwoPaces> = group(pacesOptions)
const deviations = record(number({ least: 0 }), 'an object of numbers by layer')
const open = { least: 0, most: 1 }

const dropoutRule = optional(anyOf(exactly(true), exactly(false), words('off')), true)

const retrain: Kind<ReadOf<typeof retrainOptions>, RetrainOptions> = group(retrainOptions)

export const pruneOptions = {
  criterion: criterionKind,
  /**
   * The number of times to prune and retrain.
   * @default 1
   */
  rounds: optional(whole(1), 1),
  /**
   * How densities fall over the rounds: `'geometric'`, `'linear'`, `'cubic'`, or first fast and then in finer steps, as
   * by `{ density: 0.05, rounds: 4 }`.
   * @default 'geometric'
   */
  densitySchedule: optional(anyOf(densitySchedule, twoPaces), 'geometric'),
  retrain,
  /**
   * The phases of each round, in order, each of which prunes and retrains some layers while it freezes the others.
   * `'alternate'` is `['fc', 'conv']` for networks that have both kinds of layers.
   * @default ['all']
   */
  phases: optional(
    anyOf(words('alternate'), list(words('all', 'conv', 'fc'), "an array of 'all', 'conv' and 'fc'")),
  ),
  /**
   * Dropout while retraining: `true` scales it by the square-root rule, `false` leaves it unchanged, and `'off'`
   * disables it from the first round on.
   * @default true
   */
  adjustDropout: dropoutRule,
  /**
   * The seed of the order of samples and of dropout.
   * @default the network's seed
   */
  seed: optional(seed),
  /** Resumes after this round: the network must have the weights and masks of its end. */
  after: optional(group({ round: whole(0), initial: deviations })),
  /**
   * Saves the state of retraining, and continues from it if the file is of the first round that is left to do. A file
   * of an earlier round is overwritten.
   */
  checkpoint: optional(checkpointKind),
  /**
   * The processes that retrain together, as in `train()`.
   * @default this process prunes on its own
   */
  group: optional(processGroupKind),
  /** Called now and then during an epoch. */
  onProgress: optional(callback<Listener<PruneProgress>>()),
  /** Awaited after each epoch of retraining. */
  onEpoch: optional(callback<(epoch: RetrainEpoch) => unknown>()),
  /** Awaited in each phase of a round, after pruning and before retraining. */
  onPruned: optional(callback<(round: number, density: number, phase: PrunedPhase) => unknown>()),
  ...abortOptions,
}

export interface PruneOptions<Name extends string = string>
  extends Abortable,
    Omit<OptionsOf<typeof pruneOptions>, 'criterion'> {
  readonly criterion: Criterion<Name>
}

export const spliceTimingOptions = {
  /**
   * The number of steps between two chances to change masks; 1 is every step.
   * @default 20
   */
  every: optional(whole(1), 20),
  /**
   * The probability that a chance is taken.
   * @default 1
   */
  probability: optional(number({ over: 0, most: 1 }), 1),
  /**
   * The share of the run in which the density falls to its end.
   * @default 0.5
   */
  reach: optional(number({ over: 0, most: 1 }), 0.5),
  /**
   * The share of the run after which masks stay the same, while the kept weights train on.
   * @default 0.8, or `reach` if that is larger
   */
  until: optional(number({ over: 0, most: 1 })),
}

const margin = {
  /**
   * How far apart the two thresholds are. A kept weight is pruned when its magnitude falls under `t / (1 + margin)`,
   * and a pruned one returns when it reaches `t / (1 - margin)`; `t` is solved for the density.
   * @default 0.1
   */
  margin: optional(number({ least: 0, under: 1 }), 0.1),
}

const {
  validation: _,
  averaging: __,
  distillation: ___,
  checkpoint: ____,
  earlyStopping: _____,
  ...training
} = trainOptions

export const spliceOptions = {
  ...training,
  ...spliceTimingOptions,
  ...margin,
  /** Which layers to prune, and to which density: `criteria.magnitude()` with `.density()` or `.global()`. */
  criterion: criterionKind,
  /**
   * How the density falls from its current value.
   * @default 'cubic'
   */
  densitySchedule: optional(densitySchedule, 'cubic'),
  /**
   * Dropout after each epoch, as in `prune`.
   * @default true
   */
  adjustDropout: dropoutRule,
  /** Learns from a teacher as well as from the labels; it defaults to the network as it was before. */
  distillation: optional(selfDistillationKind),
  /**
   * Resumes after an epoch, on the network that `saveCheckpoint()` wrote then. The optimizer's moments start at zero.
   */
  after: optional(
    group({
      epoch: whole(0),
      initialDeviations: deviations,
      /** The share of each layer's weights that was kept. */
      initialDensities: record(number(open), 'an object of numbers by layer'),
    }),
  ),
  /** Awaited after each epoch, while the network is still spliced. Save checkpoints here. */
  onEpoch: optional(callback<(epoch: SpliceEpoch) => unknown>()),
}

export const spliceOnceOptions = { ...margin, ...abortOptions }

export interface SpliceOnceOptions extends Abortable, OptionsOf<typeof spliceOnceOptions> {}

export const sensitivityOptions = {
  /**
   * The loss by which the network is judged.
   * @default losses.crossEntropy()
   */
  loss: evaluateOptions.loss,
  /**
   * The shares of the weights to keep.
   * @default 16 densities from 0.9 to 0.01
   */
  densities: optional(list(number({ over: 0, most: 1 }), 'an array of one density or more', 1)),
  /**
   * The layers to study.
   * @default all layers that have weights
   */
  layers: optional(list(text, 'an array of names of layers')),
  /** Called before each point is measured. If it returns an error rate, that is used instead. */
  known: optional(callback<(layer: string, density: number) => number | undefined>()),
  ...computeOptions,
  ...abortOptions,
}

export const solveOptions = {
  /**
   * The lowest density of any layer, which keeps layers from collapsing.
   * @default 0.01
   */
  leastDensity: optional(number(open), 0.01),
  ...abortOptions,
}

export interface SolveOptions extends Abortable, OptionsOf<typeof solveOptions> {}

export const shrinkOptions = {
  /** A dataset on whose samples the outputs before and after are compared. */
  certify: optional(datasetKind),
  ...abortOptions,
}

export interface ShrinkOptions extends Abortable, OptionsOf<typeof shrinkOptions> {}

export const applyOptions = {
  /** Returns the density to reach in this round, from the criterion's density. */
  ease: optional(callback<(finalDensity: number) => number>()),
  initial: optional(deviations),
  /** Prunes these layers only. */
  only: optional(list(text, 'an array of names of layers')),
  /** The dataset for criteria that use gradients. */
  data: optional(datasetKind),
  /**
   * The loss whose gradients they use.
   * @default losses.crossEntropy()
   */
  loss: evaluateOptions.loss,
  ...abortOptions,
}
