import { readOptions } from '../base/option.js'
import type { OptimizerSpec } from '../optim/spec.js'
import type { PruneOptions } from '../prune/options.js'
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

/** An experiment: a network, its data, and how it is trained, pruned and retrained. */
export interface Recipe {
  readonly name: string
  readonly model: ModelSource
  readonly data: DataSource
  readonly dense: DensePlan
  readonly prune: PrunePlan
  readonly paper?: PaperTable | undefined
}

/** The complete settings of a recipe's retraining. Progressive resizing is not taken from the dense training. */
export function retrainingOf({ dense, prune }: Pick<Recipe, 'dense' | 'prune'>): RetrainOptions {
  const { progressiveResizing: _, ...training } = dense
  const { lrFactor = prune.retrain.optimizer ? 1 : 0.1, ...retrain } = prune.retrain
  const optimizer = retrain.optimizer ?? dense.optimizer
  return { ...training, ...retrain, optimizer: { ...optimizer, lr: optimizer.lr * lrFactor } }
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
  recipe: Omit<Recipe, 'model' | 'prune'> & {
    readonly model: Model
    readonly prune: PrunePlan<PrunableIn<Model>>
  },
): Recipe {
  return readRecipe('defineRecipe', recipe)
}
