import { pair } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, exactly, type Kind, number, whole } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'

const pixels = whole(0, 4096)
const range = rising(pair(number({ over: 0, most: 1e6 })))

export const cropOptions = {
  /**
   * Pixels of black that surround images in memory first.
   * @default 0
   */
  padding: optional(pixels, 0),
}

export const resizedCropOptions = {
  /**
   * Shares of the image's area.
   * @default [0.08, 1]
   */
  scale: optional(range, [0.08, 1]),
  /**
   * Width over height.
   * @default [3 / 4, 4 / 3]
   */
  ratio: optional(range, [3 / 4, 4 / 3]),
}

export const augmentOptions = {
  /**
   * A window of the sample's own size at a random place, as torchvision's `RandomCrop`. From folders and packed files
   * the window is cut out of the image resized as for evaluation.
   */
  crop: optional(group(cropOptions)),
  /**
   * For folders of images and packed files: a window of random area and shape, resized, as torchvision's
   * `RandomResizedCrop`.
   */
  resizedCrop: optional(anyOf(exactly(true), group(resizedCropOptions))),
  /**
   * Mirrors left and right, half of the time.
   * @default false
   */
  flip: optional(boolean, false),
  /**
   * The side in pixels of a square set to the mean, centered anywhere (Cutout, DeVries and Taylor 2017).
   * @default 0
   */
  cutout: optional(pixels, 0),
}

/**
 * Random changes to the samples that are trained on, drawn natively for each sample of each epoch from the seed,
 * the epoch and the sample's place alone: a seed gives the same ones whatever the threads, resumed or not.
 * Evaluation never changes samples. A crop comes first, then the flip, then the hole.
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

/** As the addon takes it, defaults filled in. */
export function nativeAugmentation(augment: Augmentation | undefined): object | undefined {
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

/** Two numbers, the smaller one first. */
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
