import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { isRandom, nativeAugmentation } from '../data/augment.js'
import { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { AnyNetwork } from '../nn/network.js'
import { deriveSeed } from './seed.js'
import type { TrainOptions } from './train.js'

/** Samples at a time while the cache is filled. @internal */
export const PREFIX_BATCH = 250

/** What the frozen prefix puts out, for every sample. Throws `ERR_ARGUMENT` where no layer in front is frozen. */
export async function fillCache(network: AnyNetwork, dataset: Dataset, options: TrainOptions, seed: number) {
  const native = loadAddon()
  const after = native.networkFrozenPrefix(network.handle)
  const augment = nativeAugmentation(options.augment)
  const { cacheVariants: variants = 1, autocast, signal } = options
  const filling = { batchSize: PREFIX_BATCH, augment, variants, autocast, seed: deriveSeed(seed, 0) }
  const handle = await runJob(() => native.prefixStart(network.handle, dataset.handle, filling), signal)
  const cached = new Dataset(handle, dataset.length, after < 0 ? [] : network.nodes[after]!.shape)
  return { dataset: cached, after, [Symbol.dispose]: () => cached.dispose() }
}

/** Throws `ERR_ARGUMENT` where a cache would meet an augmentation unasked. */
export function checkCache(options: Pick<TrainOptions, 'cachePrefix' | 'cacheVariants' | 'augment'>): void {
  const { cachePrefix, cacheVariants, augment } = options
  if (cacheVariants === undefined) {
    if (!cachePrefix || !isRandom(augment)) return
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'cachePrefix would keep one augmented variant of each sample for ever: give cacheVariants, or leave augment out',
    )
  }
  if (!Number.isInteger(cacheVariants) || cacheVariants < 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `cacheVariants must be a whole number of 1 or more, got ${cacheVariants}`,
    )
  }
  if (!cachePrefix || !isRandom(augment)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'cacheVariants needs both cachePrefix and augment')
  }
}
