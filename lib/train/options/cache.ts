import { boolean, number, path, whole } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'

export const cacheOptions = {
  /**
   * Whether to compute the outputs of the frozen layers in front once for each sample, and to train the other layers on
   * them. The cache holds one output of the last frozen layer for each sample, in float32.
   * @default false
   */
  cachePrefix: optional(boolean, false),
  /**
   * The number of augmented variants of each sample in the cache, of which each epoch draws one. It is required if both
   * `cachePrefix` and `augment` are set, because a single variant would silently freeze the augmentation.
   */
  cacheVariants: optional(whole(1)),
  /**
   * The largest cache, in bytes, that is held in memory; a larger one is held in a file.
   * @default half of the free memory
   */
  cacheMemory: optional(number({ least: 0, most: Number.POSITIVE_INFINITY })),
  /**
   * The folder of that file. The file has no name, and is gone when training ends.
   * @default the system's folder for temporary files
   */
  cacheDir: optional(path),
}

export interface CacheOptions extends OptionsOf<typeof cacheOptions> {}
