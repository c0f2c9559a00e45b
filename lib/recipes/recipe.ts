import type { DataSplits } from '../data/dataset.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import type { AnyNetwork, Network, NetworkOptions } from '../nn/network.js'
import type { PruneOptions, RetrainOptions } from '../prune/prune.js'
import type { PaperTable } from '../report/paper.js'
import type { TrainOptions } from '../train/train.js'

/** How the dense network is trained. */
export type DensePlan = Pick<
  TrainOptions,
  | 'epochs'
  | 'optimizer'
  | 'batchSize'
  | 'schedule'
  | 'regularization'
  | 'labelSmoothing'
  | 'augment'
  | 'averaging'
  | 'progressiveResizing'
  | 'memoryFormat'
  | 'autocast'
>

/** How it is pruned and retrained. */
export type PrunePlan<Name extends string = string> = Pick<
  PruneOptions<Name>,
  'criterion' | 'rounds' | 'densitySchedule' | 'phases' | 'retrain' | 'adjustDropout'
>

/** An experiment: a network, its data, and how it is trained, pruned and retrained. */
export interface Recipe {
  readonly name: string
  readonly model: (options: NetworkOptions) => AnyNetwork
  /** Of the folder or file that a user names. */
  readonly data: (path?: string) => Promise<DataSplits>
  readonly dense: DensePlan
  readonly prune: PrunePlan
  readonly paper?: PaperTable | undefined
}

/** How survivors are retrained: as the dense network was trained, on whole images, where nothing else is said. */
export function retrainingOf({ dense, prune }: Pick<Recipe, 'dense' | 'prune'>): RetrainOptions {
  const { progressiveResizing: _, ...training } = dense
  return { ...training, ...prune.retrain }
}

/** A recipe, with the names in its criterion checked against its model. */
export function defineRecipe<K extends LayerKinds>(
  recipe: Omit<Recipe, 'model' | 'prune'> & {
    readonly model: (options: NetworkOptions) => Network<K>
    readonly prune: PrunePlan<PrunableName<K>>
  },
): Recipe {
  return recipe as unknown as Recipe
}
