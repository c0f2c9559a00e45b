import { type Abortable, abortOptions } from '../base/abort.js'
import { list, record } from '../base/collection.js'
import { computeOptions } from '../base/compute.js'
import { anyOf, callback, exactly, type Kind, number, seed, text, whole, words } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'
import type { Listener } from '../binding/native_job.js'
import { datasetKind } from '../data/splits.js'
import { checkpointKind } from '../train/options/checkpoint.js'
import { selfDistillationKind } from '../train/options/distillation.js'
import { evaluateOptions } from '../train/options/evaluate.js'
import { type RetrainOptions, retrainOptions, trainOptions } from '../train/options.js'
import { type Criterion, criterionKind } from './criterion.js'
import type { PrunedPhase, PruneProgress, RetrainEpoch, SpliceEpoch } from './progress.js'

const densitySchedule = words('geometric', 'linear', 'cubic')
const deviations = record(number({ least: 0 }), 'an object of numbers by layer')
const open = { least: 0, most: 1 }

const dropoutRule = optional(anyOf(exactly(true), exactly(false), words('off')), true)

const retrain: Kind<ReadOf<typeof retrainOptions>, RetrainOptions> = group(retrainOptions)

export const pruneOptions = {
  criterion: criterionKind,
  /**
   * Times to prune and retrain.
   * @default 1
   */
  rounds: optional(whole(1), 1),
  /**
   * How densities come down over the rounds.
   * @default 'geometric'
   */
  densitySchedule: optional(densitySchedule, 'geometric'),
  retrain,
  /**
   * What each round does in turn; `'alternate'`, or `['fc', 'conv']`, fixes the one kind of layer while the other
   * recovers.
   * @default ['all']
   */
  phases: optional(
    anyOf(words('alternate'), list(words('all', 'conv', 'fc'), "an array of 'all', 'conv' and 'fc'")),
  ),
  /**
   * Dropout of retraining: `true` scales it by the square-root rule, `false` leaves it, `'off'` disables it from the
   * first round on.
   * @default true
   */
  adjustDropout: dropoutRule,
  /** @default the network's own */
  seed: optional(seed),
  /** Resumes after this round: the network must hold the weights and masks of its end. */
  after: optional(group({ round: whole(0), initial: deviations })),
  /**
   * Saves where retraining stands, and goes on from there, when the file is of the first round that is left to do;
   * one of an earlier round is written over.
   */
  checkpoint: optional(checkpointKind),
  /** Called now and then within an epoch. */
  onProgress: optional(callback<Listener<PruneProgress>>()),
  /** Awaited after each epoch of retraining. */
  onEpoch: optional(callback<(epoch: RetrainEpoch) => unknown>()),
  /** Awaited when a phase of a round has pruned and not retrained yet. */
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
   * Steps between two chances to splice; 1 is every step.
   * @default 20
   */
  every: optional(whole(1), 20),
  /**
   * How likely each chance is taken.
   * @default 1
   */
  probability: optional(number({ over: 0, most: 1 }), 1),
  /**
   * Share of the run in which the density comes down to its end.
   * @default 0.5
   */
  reach: optional(number({ over: 0, most: 1 }), 0.5),
  /**
   * Share of the run after which the mask stays, and what is kept trains on.
   * @default 0.8, or reach
   */
  until: optional(number({ over: 0, most: 1 })),
}

const margin = {
  /**
   * How far apart the two thresholds are. A kept weight goes when it falls under `t / (1 + margin)`, a pruned one
   * returns when it reaches `t / (1 - margin)`, and `t` is solved for the density.
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
  /** Which layers, and what share of their weights is kept in the end: `criteria.magnitude()` with `.density` or `.global`. */
  criterion: criterionKind,
  /**
   * How the density comes down from what it is.
   * @default 'cubic'
   */
  densitySchedule: optional(densitySchedule, 'cubic'),
  /**
   * Dropout after each epoch, as in `prune`.
   * @default true
   */
  adjustDropout: dropoutRule,
  /** Learns from a teacher beside the labels: the network as it comes, unless another is given. */
  distillation: optional(selfDistillationKind),
  /** Resumes after an epoch, on the network that `saveCheckpoint()` wrote then; the optimizer's moments are new. */
  after: optional(
    group({
      epoch: whole(0),
      initialDeviations: deviations,
      /** Share of each layer's weights that was kept. */
      initialDensities: record(number(open), 'an object of numbers by layer'),
    }),
  ),
  /** Awaited after each epoch, while the network is still spliced: the place to save a checkpoint. */
  onEpoch: optional(callback<(epoch: SpliceEpoch) => unknown>()),
}

export const spliceOnceOptions = { ...margin, ...abortOptions }

export interface SpliceOnceOptions extends Abortable, OptionsOf<typeof spliceOnceOptions> {}

export const sensitivityOptions = {
  /**
   * What the network is judged by.
   * @default losses.crossEntropy()
   */
  loss: evaluateOptions.loss,
  /**
   * Shares of the weights to keep.
   * @default 16 of them from 0.9 to 0.01
   */
  densities: optional(list(number({ over: 0, most: 1 }), 'an array of one density or more', 1)),
  /**
   * These layers alone.
   * @default all with connections
   */
  layers: optional(list(text, 'an array of names of layers')),
  /** Asked before each point; the error that it returns is taken instead of reading it again. */
  known: optional(callback<(layer: string, density: number) => number | undefined>()),
  ...computeOptions,
  ...abortOptions,
}

export const solveOptions = {
  /**
   * No layer goes under this density: a guard against layers that collapse.
   * @default 0.01
   */
  leastDensity: optional(number(open), 0.01),
  ...abortOptions,
}

export interface SolveOptions extends Abortable, OptionsOf<typeof solveOptions> {}

export const shrinkOptions = {
  /** Every sample goes through the network before and after. */
  certify: optional(datasetKind),
  ...abortOptions,
}

export interface ShrinkOptions extends Abortable, OptionsOf<typeof shrinkOptions> {}

export const applyOptions = {
  /** Densities to reach in this round, where they are not yet the criterion's own. */
  ease: optional(callback<(finalDensity: number) => number>()),
  initial: optional(deviations),
  /** Prunes these layers only. */
  only: optional(list(text, 'an array of names of layers')),
  /** What a criterion that looks at gradients runs the network on. */
  data: optional(datasetKind),
  /**
   * Whose gradients it looks at.
   * @default losses.crossEntropy()
   */
  loss: evaluateOptions.loss,
  ...abortOptions,
}
