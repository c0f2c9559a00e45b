import { pair } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, exactly, type Kind, number, whole } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'
import type { NativeAugmentation } from '../binding/native.js'

const pixels = whole(0, 4096)
const range = rising(pair(number({ over: 0, most: 1e6 })))

/** The options of `crop`, by name. */
export const cropOptions = {
  /**
   * Pixels of black that are first added around images in memory.
   * @default 0
   */
  padding: optional(pixels, 0),
}

/** The options of `resizedCrop`, by name. */
export const resizedCropOptions = {
  /**
   * The range of the window's area, as a share of the image's area.
   * @default [0.08, 1]
   */
  scale: optional(range, [0.08, 1]),
  /**
   * The range of the window's width divided by its height.
   * @default [3 / 4, 4 / 3]
   */
  ratio: optional(range, [3 / 4, 4 / 3]),
}

/** The options of an augmentation, by name. */
export const augmentOptions = {
  /**
   * Cuts a window of the sample's own size at a random position, like torchvision's `RandomCrop`. In folders and packed
   * files, the window is cut out of the image resized as for evaluation.
   * @default no crop
   */
  crop: optional(group(cropOptions)),
  /**
   * Cuts a window of random area and shape and resizes it, like torchvision's `RandomResizedCrop`. It applies only to
   * folders of images and packed files.
   * @default no crop
   */
  resizedCrop: optional(anyOf(exactly(true), group(resizedCropOptions))),
  /**
   * Mirrors half of the samples left to right.
   * @default false
   */
  flip: optional(boolean, false),
  /**
   * The side in pixels of a square that is set to the mean, with its center anywhere (Cutout, DeVries and Taylor 2017);
   * 0 for none.
   * @default 0
   */
  cutout: optional(pixels, 0),
}

/**
 * Random changes to training samples. They are drawn natively for each sample of each epoch, from nothing but the seed,
 * the epoch and the sample's position, so a seed gives the same changes for any number of threads, resumed or not.
 * Evaluation never changes samples. The crop comes first, then the flip, then the cutout.
 */
export interface Augmentation extends OptionsOf<typeof augmentOptions> {}

/** An augmentation as an option. */
export const augmentation: Kind<ReadOf<typeof augmentOptions>, Augmentation> = group(augmentOptions)

/** Whether an augmentation changes anything. */
export function isRandom(augment: Augmentation | undefined): augment is Augmentation {
  return (
    augment !== undefined && Boolean(augment.crop || augment.resizedCrop || augment.flip || augment.cutout)
  )
}

/**
 * Converts an augmentation for the addon, with defaults filled in. Throws `ERR_ARGUMENT` if it has two kinds of crops.
 */
export function nativeAugmentation(augment: Augmentation | undefined): NativeAugmentation | undefined {
  if (augment === undefined) return undefined
  const { crop, resizedCrop, flip, cutout } = augmentation.read(augment, 'augment')
  if (crop && resizedCrop) {
    throw new TorchPruneError('ERR_ARGUMENT', 'augment has both crop and resizedCrop: choose one of them')
  }
  const whole = { scale: resizedCropOptions.scale.fallback, ratio: resizedCropOptions.ratio.fallback }
  return {
    ...(crop && { crop }),
    ...(resizedCrop && { resizedCrop: resizedCrop === true ? whole : resizedCrop }),
    flip,
    cutout,
  }
}

/** Two numbers, of which the second is not smaller than the first. */
function rising(two: Kind<readonly [number, number]>): Kind<readonly [number, number]> {
  return {
    ...two,
    read(value, name) {
      const [least, most] = two.read(value, name)
      if (least <= most) return [least, most]
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${name} must be two numbers, the smaller one first, got ${least} and ${most}`,
      )
    },
  }
}
