import { boolean, number, path, whole } from '../../base/kind.js'
import { type OptionsOf, optional } from '../../base/option.js'

export const cacheOptions = {
  /**
   * Computes once what the frozen layers in front put out for each sample, and trains the rest on that: samples times
   * the size of the last frozen layer's output, in float32.
   * @default false
   */
  cachePrefix: optional(boolean, false),
  /**
   * With `cachePrefix` and `augment`: how many augmented variants of each sample the cache holds. Each epoch takes
   * one of them by chance. Needed there, for a cache of one would freeze the augmentation unnoticed.
   */
  cacheVariants: optional(whole(1)),
  /**
   * Bytes up to which the cache is held in memory, and not in a file.
   * @default half of what is free
   */
  cacheMemory: optional(number({ least: 0, most: Number.POSITIVE_INFINITY })),
  /**
   * The folder of that file, which has no name and goes with the training.
   * @default the system's temporary one
   */
  cacheDir: optional(path),
}

export interface CacheOptions extends OptionsOf<typeof cacheOptions> {}
