import { readOptions } from '../base/option.js'
import type { ExportOptions } from '../nn/export_coded.js'
import type { OptimizerSpec } from '../optim/spec.js'
import type { PruneOptions } from '../prune/options.js'
import type { QuantizeOptions } from '../quantize/quantize.js'
import type { PaperTable } from '../runs/paper.js'
import type { CrossEntropyLoss } from '../train/losses.js'
import type { RetrainOptions, TrainOptions } from '../train/options.js'
import type { DataSource } from './data.js'
import type { ModelSource, PrunableIn } from './model.js'
import { recipeKind } from './options.js'

/** How the dense network is trained. */
export type DensePlan = Pick<
  TrainOptions,
  | 'epochs'
  | 'optimizer'
  | 'batchSize'
  | 'dropLast'
  | 'schedule'
  | 'regularization'
  | 'accumulate'
  | 'syncBatchNorm'
  | 'clipGradients'
  | 'lrScale'
  | 'earlyStopping'
  | 'augment'
  | 'averaging'
  | 'progressiveResizing'
  | 'memoryFormat'
  | 'autocast'
> & {
  /**
   * The loss that is minimized. It must be a loss of classes, because runs report errors of classes.
   * @default losses.crossEntropy()
   */
  readonly loss?: CrossEntropyLoss | undefined
}

/** How kept weights are retrained. Settings that are left out are those of the dense training. */
export interface RetrainPlan extends Omit<RetrainOptions, 'optimizer' | 'loss'> {
  /** @default the dense plan's */
  readonly loss?: CrossEntropyLoss | undefined
  /** @default the dense plan's */
  readonly optimizer?: OptimizerSpec | undefined
  /**
   * A factor of the optimizer's learning rate.
   * @default 0.1 for the dense plan's optimizer, 1 for another one
   */
  readonly lrFactor?: number | undefined
}

/** How it is pruned and retrained. */
export interface PrunePlan<Name extends string = string>
  extends Pick<PruneOptions<Name>, 'criterion' | 'rounds' | 'densitySchedule' | 'phases' | 'adjustDropout'> {
  readonly retrain: RetrainPlan
}

/** How shared values are trained: as survivors were, where nothing else is said. */
export interface SharedRetrainPlan extends Omit<RetrainPlan, 'optimizer' | 'lrFactor'> {
  /** @default that of the survivors */
  readonly optimizer?: OptimizerSpec | undefined
  /**
   * Scales the optimizer's learning rate. A shared value's gradient is the sum of its weights'.
   * @default for the survivors' optimizer 0.01, or 0.1 where weights are trained; 1 for one of its own
   */
  readonly lrFactor?: number | undefined
}

/**
 * How the weights of the pruned network share values: one of `values`, `bits` and `budget` says how many, or the `scheme`
 * is `'int8'`.
 */
export interface QuantizePlan<Name extends string = string>
  extends Pick<
    QuantizeOptions<Name>,
    'scheme' | 'values' | 'bits' | 'budget' | 'trains' | 'price' | 'biasValues' | 'biases'
  > {
  readonly retrain?: SharedRetrainPlan | undefined
}

/** An experiment: a network, its data, and how it is trained, pruned and retrained. */
export interface Recipe {
  readonly name: string
  readonly model: ModelSource
  readonly data: DataSource
  readonly dense: DensePlan
  readonly prune: PrunePlan
  readonly quantize?: QuantizePlan | undefined
  /** How the result is stored in a coded file. */
  readonly code?: ExportOptions | undefined
  readonly paper?: PaperTable | undefined
}

/** The complete settings of a recipe's retraining. Progressive resizing is not taken from the dense training. */
export function retrainingOf({ dense, prune }: Pick<Recipe, 'dense' | 'prune'>): RetrainOptions {
  const { progressiveResizing: _, ...training } = dense
  const { lrFactor = prune.retrain.optimizer ? 1 : 0.1, ...retrain } = prune.retrain
  const optimizer = retrain.optimizer ?? dense.optimizer
  return { ...training, ...retrain, optimizer: { ...optimizer, lr: optimizer.lr * lrFactor } }
}

/** Of the survivors' learning rate. A shared value's gradient sums those of its weights. */
const RATE_FACTORS = { values: 0.01, weights: 0.1 }

/** A recipe's quantization, whole: shared values are trained as survivors were, where nothing else is said. */
export function quantizingOf(recipe: Pick<Recipe, 'dense' | 'prune'>, plan: QuantizePlan): QuantizeOptions {
  const { retrain, ...sharing } = plan
  if (retrain === undefined) return sharing
  const { earlyStopping: _, averaging: __, ...training } = retrainingOf(recipe)
  const ofSurvivors = RATE_FACTORS[plan.trains ?? 'values']
  const { optimizer = training.optimizer, lrFactor = retrain.optimizer ? 1 : ofSurvivors, ...given } = retrain
  return {
    ...sharing,
    retrain: { ...training, ...given, optimizer: { ...optimizer, lr: optimizer.lr * lrFactor } },
  }
}

/**
 * Returns a complete recipe: checked, with its defaults, and with the options of each plan in a fixed order.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` naming each field that is unknown, missing or wrong.
 */
export function readRecipe(caller: string, value: unknown): Recipe {
  return readOptions(caller, { recipe: recipeKind }, { recipe: value }).recipe as Recipe
}

/**
 * Defines a recipe: checks it, and fills in defaults. The compiler checks the layers in its criterion against its
 * model.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` naming each field that is unknown, missing or wrong.
 */
export function defineRecipe<const Model extends ModelSource>(
  recipe: Omit<Recipe, 'model' | 'prune' | 'quantize'> & {
    readonly model: Model
    readonly prune: PrunePlan<PrunableIn<Model>>
    readonly quantize?: QuantizePlan<PrunableIn<Model>> | undefined
  },
): Recipe {
  return readRecipe('defineRecipe', recipe)
}
