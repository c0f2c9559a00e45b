import { nativeAugmentation } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { Optimizer } from '../optim/optimizer.js'
import { Average } from './average.js'
import { EarlyStopping } from './early_stopping.js'
import { fillCache, type PrefixCache } from './prefix.js'
import type { Training } from './training.js'

/** What a training works with besides its network. It is made for the training, and disposed of with it. */
export class TrainingParts {
  readonly optimizer: Optimizer
  readonly #dataset: Dataset
  readonly #options: Training
  #cache: PrefixCache | undefined
  #average: Average | undefined
  #stopping: EarlyStopping | undefined

  private constructor(network: AnyNetwork, dataset: Dataset, options: Training) {
    this.optimizer = optimizerOf(network, options)
    this.#dataset = dataset
    this.#options = options
  }

  /** Makes them for a network whose weights are in their places. */
  static async of(network: AnyNetwork, dataset: Dataset, options: Training): Promise<TrainingParts> {
    const parts = new TrainingParts(network, dataset, options)
    const { cachePrefix, averaging, earlyStopping, seed = network.seed } = options
    try {
      if (cachePrefix) parts.#cache = await fillCache(network, dataset, options, seed)
      if (averaging) parts.#average = await Average.of(network, averaging)
      if (earlyStopping) parts.#stopping = new EarlyStopping(network, earlyStopping)
      return parts
    } catch (error) {
      parts[Symbol.dispose]()
      throw error
    }
  }

  /** What the training reads: its dataset, or the outputs of the frozen layers in front. */
  get samples(): Dataset {
    return this.#cache?.dataset ?? this.#dataset
  }

  /** How the addon reads the samples. What the cache holds is augmented already. */
  get reading() {
    return this.#cache
      ? { after: this.#cache.after }
      : { after: -1, augment: nativeAugmentation(this.#options.augment) }
  }

  get average(): Average | undefined {
    return this.#average
  }

  get stopping(): EarlyStopping | undefined {
    return this.#stopping
  }

  [Symbol.dispose](): void {
    this.#stopping?.[Symbol.dispose]()
    this.#average?.[Symbol.dispose]()
    this.#cache?.[Symbol.dispose]()
    this.optimizer.dispose()
  }
}

/** Throws for an optimizer that does not fit the network. */
export function checkOptimizer(network: AnyNetwork, options: Training): void {
  optimizerOf(network, options).dispose()
}

function optimizerOf(network: AnyNetwork, { optimizer, regularization, lrScale }: Training): Optimizer {
  return Optimizer.of(network, optimizer, regularization, lrScale)
}
