import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { checkWritable } from '../base/atomic.js'
import type { ComputeOptions } from '../base/compute.js'
import { TorchPruneError } from '../base/errors.js'
import { product } from '../base/lists.js'
import { deriveSeed } from '../base/seed.js'
import { loadAddon } from '../binding/addon.js'
import { type JobOptions, runJob } from '../binding/native_job.js'
import { type Augmentation, isRandom, nativeAugmentation } from '../data/augment.js'
import { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import type { CacheOptions } from './options/cache.js'
import type { ProgressiveResizing } from './options/progressive_resizing.js'

/** Samples at a time while the cache is filled. @internal */
export const PREFIX_BATCH = 250

/** What the frozen prefix puts out, for every sample. */
export interface PrefixCache extends Disposable {
  readonly dataset: Dataset
  /** The position of the layer whose outputs it holds. */
  readonly after: number
}

/** Fills the cache of the frozen prefix. Throws `ERR_ARGUMENT` where no layer in front is frozen. */
export async function fillCache(
  network: AnyNetwork,
  dataset: Dataset,
  options: CacheOptions &
    JobOptions &
    Pick<ComputeOptions, 'autocast'> & { readonly augment?: Augmentation | undefined },
  seed: number,
): Promise<PrefixCache> {
  const native = loadAddon()
  const after = native.networkFrozenPrefix(network.handle)
  const shape = after < 0 ? [] : network.nodes[after]!.shape
  const { cacheVariants: variants = 1, autocast, signal } = options
  const folder = cacheFolder(shape, dataset, options)
  const filling = {
    batchSize: PREFIX_BATCH,
    augment: nativeAugmentation(options.augment),
    variants,
    autocast,
    seed: deriveSeed(seed, 0),
    ...(folder !== undefined && { folder }),
  }
  const handle = await runJob(() => native.prefixStart(network.handle, dataset.handle, filling), signal)
  const cached = new Dataset(handle, dataset.length, shape)
  return { dataset: cached, after, [Symbol.dispose]: () => cached.dispose() }
}

/** Where a cache of values of this shape has its file; undefined where memory is enough. */
function cacheFolder(
  shape: readonly number[],
  { length }: Dataset,
  { cacheVariants = 1, cacheMemory = process.availableMemory() / 2, cacheDir = tmpdir() }: CacheOptions,
): string | undefined {
  const bytes = 4 * length * cacheVariants * product(shape)
  return bytes > cacheMemory ? resolve(cacheDir) : undefined
}

/** Throws where the layers that are frozen now leave nothing to cache, or its file has no place. */
export async function checkCacheFits(
  network: AnyNetwork,
  dataset: Dataset,
  options: CacheOptions,
): Promise<void> {
  const after = loadAddon().networkFrozenPrefix(network.handle)
  if (after < 0) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'cachePrefix has nothing to keep, for no layers in front are frozen and deterministic: leave it out',
    )
  }
  const folder = cacheFolder(network.nodes[after]!.shape, dataset, options)
  if (folder === undefined) return
  await checkWritable(join(folder, 'cache')).catch((cause: unknown) => {
    const message = `${folder}: takes no file for the cache; choose another cacheDir, or leave cachePrefix out`
    throw new TorchPruneError('ERR_OUTPUT', message, { cause })
  })
}

/** Throws `ERR_ARGUMENT` for options that do not fit each other, as where a cache would meet an augmentation unasked. */
export function checkCache(
  options: CacheOptions & {
    readonly augment?: Augmentation | undefined
    readonly progressiveResizing?: ProgressiveResizing | undefined
  },
): void {
  const { cachePrefix, cacheVariants, augment } = options
  if (cachePrefix && options.progressiveResizing) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'progressiveResizing has no images to shrink behind cachePrefix: leave one of them out',
    )
  }
  if (cacheVariants === undefined) {
    if (!cachePrefix || !isRandom(augment)) return
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'cachePrefix would keep one augmented variant of each sample for ever: give cacheVariants, or leave augment out',
    )
  }
  if (!cachePrefix || !isRandom(augment)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'cacheVariants needs both cachePrefix and augment')
  }
}
