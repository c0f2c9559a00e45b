import type { DataSplits } from '../data/dataset.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import type { AnyNetwork, Network, NetworkOptions } from '../nn/network.js'
import type { PruneOptions } from '../prune/prune.js'
import type { TrainOptions } from '../train/train.js'

/** How the dense network is trained. */
export type DensePlan = Pick<
  TrainOptions,
  'epochs' | 'optimizer' | 'batchSize' | 'schedule' | 'regularization'
>

/** How it is pruned and retrained. */
export type PrunePlan<Name extends string = string> = Pick<
  PruneOptions<Name>,
  'criterion' | 'rounds' | 'densitySchedule' | 'phases' | 'retrain' | 'adjustDropout'
>

/** A layer in one of the paper's tables; shares in 0..1. */
export interface PaperLayer {
  readonly name: string
  readonly weights: number
  readonly flop: number
  readonly activationDensity: number
  readonly density: number
  readonly flopShare: number
}

/** What the paper reports of a network. Errors are percent. */
export interface PaperTable {
  readonly reference: { readonly top1Error: number; readonly parameters: number }
  readonly pruned: { readonly top1Error: number; readonly parameters: number; readonly compression: number }
  readonly layers: readonly PaperLayer[]
}

/** An experiment: a network, its data, and how it is trained, pruned and retrained. */
export interface Recipe {
  readonly name: string
  readonly model: (options: NetworkOptions) => AnyNetwork
  readonly data: (dir?: string) => Promise<DataSplits>
  readonly dense: DensePlan
  readonly prune: PrunePlan
  readonly paper?: PaperTable | undefined
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
