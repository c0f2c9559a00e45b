import { seed as seedKind, whole } from '../../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../../base/option.js'
import { loadAddon } from '../../binding/addon.js'
import { runJob } from '../../binding/native_job.js'
import type { AnyNetwork } from '../../nn/any_network.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Scored, scored } from '../select/index.js'
import { dataOf, type ScoreKind } from './score.js'

export const fisherOptions = {
  /**
   * The number of batches of the training set whose gradients are used.
   * @default 50
   */
  batches: optional(whole(1), 50),
  /**
   * The number of samples per batch.
   * @default 64
   */
  batchSize: optional(whole(1), 64),
  /**
   * The seed by which samples are drawn.
   * @default 0
   */
  seed: optional(seedKind, 0),
}

export interface FisherOptions extends OptionsOf<typeof fisherOptions> {}

/** Ranks weights by an estimate of how much the loss would rise without each of them. */
export interface FisherScore {
  readonly kind: 'fisher'
  readonly batches: number
  readonly batchSize: number
  readonly seed: number
}

export const fisherScore: ScoreKind<FisherScore> = {
  options: fisherOptions,
  async of({ batches, batchSize, seed }, context) {
    const { network, layers, loss, signal } = context
    const data = dataOf(context, 'the Fisher score')
    const sample = { samples: batches * batchSize, batchSize, seed, loss }
    const names = layers.map((name) => `${name}.weight`)
    const start = () => loadAddon().fisherStart(network.handle, data.handle, sample, names)
    const handles = await withGradients(network, layers, () => runJob(start, signal))
    return handles.map((handle) => Tensor.wrap(handle))
  },
}

/** Unfreezes layers during some work: the loss without a weight is the same whether the weight trains or not. */
async function withGradients<Result>(
  network: AnyNetwork,
  layers: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const { frozen } = network
  if (!frozen.some((layer) => layers.includes(layer))) return work()
  network.unfreeze(...frozen)
  try {
    return await work()
  } finally {
    network.freeze(...frozen)
  }
}

/**
 * Ranks weights by how much the loss would rise without each of them, by a second-order estimate: `½ · F · w²`, with
 * the diagonal of the empirical Fisher information for F (LeCun, Denker and Solla 1989; Theis et al. 2018). F is the
 * mean of squared gradients over `batches` batches of the training set, in evaluation mode. Samples are drawn by
 * `seed`, without replacement.
 * Frozen layers are scored like the others.
 *
 * @example criteria.fisher({ batches: 100 }).global(0.1)
 */
export function fisher(options: FisherOptions = {}): Scored<FisherScore> {
  return scored({
    kind: 'fisher',
    ...readOptions('criteria.fisher', fisherScore.options, options),
  } as FisherScore)
}
