import { TorchPruneError } from '../errors.js'

/**
 * Random changes to the samples that are trained on, drawn natively for each sample of each epoch from the seed,
 * the epoch and the sample's place alone: a seed gives the same ones whatever the threads, resumed or not.
 * Evaluation never changes samples. A crop comes first, then the flip, then the hole.
 */
export interface Augmentation {
  /**
   * A window of the sample's own size at a random place, as torchvision's `RandomCrop`. `padding` pixels of black
   * surround images in memory first (0 unless given). From folders and packed files the window is cut out of the
   * image resized as for evaluation.
   */
  readonly crop?: { readonly padding?: number | undefined } | undefined
  /**
   * For folders of images and packed files: a window of random area (`scale`, shares of the image, 0.08 to 1
   * unless given) and shape (`ratio`, width over height, 3/4 to 4/3), resized, as torchvision's `RandomResizedCrop`.
   */
  readonly resizedCrop?:
    | true
    | {
        readonly scale?: readonly [number, number] | undefined
        readonly ratio?: readonly [number, number] | undefined
      }
    | undefined
  /** Mirrors left and right, half of the time. */
  readonly flip?: boolean | undefined
  /** The side in pixels of a square set to the mean, centred anywhere (Cutout, DeVries and Taylor 2017). */
  readonly cutout?: number | undefined
}

/** Whether an augmentation changes anything. */
export function isRandom(augment: Augmentation | undefined): augment is Augmentation {
  return (
    augment !== undefined && Boolean(augment.crop || augment.resizedCrop || augment.flip || augment.cutout)
  )
}

/** As the addon takes it, defaults filled in. */
export function nativeAugmentation(augment: Augmentation | undefined): object | undefined {
  if (augment === undefined) return undefined
  const { crop, resizedCrop, flip, cutout } = augment
  for (const name of Object.keys(augment)) {
    if (!['crop', 'resizedCrop', 'flip', 'cutout'].includes(name)) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `augment has no '${name}': it takes crop, resizedCrop, flip and cutout`,
      )
    }
  }
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = resizedCrop === true ? {} : (resizedCrop ?? {})
  return {
    ...(crop && { crop: { padding: crop.padding ?? 0 } }),
    ...(resizedCrop && { resizedCrop: { scale, ratio } }),
    flip: flip ?? false,
    cutout: cutout ?? 0,
  }
}
