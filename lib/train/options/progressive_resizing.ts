import { type Kind, number, whole } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'

const share = number({ least: 0, most: 1 })

export const progressiveOptions = {
  /**
   * The share of each side that images have at the start.
   * @default 0.5
   */
  initialScale: optional(share, 0.5),
  /**
   * The share of the epochs, at the start, that stay at that size.
   * @default 0.5
   */
  delayFraction: optional(share, 0.5),
  /**
   * The share of the epochs, at the end, that have the full size.
   * @default 0.2
   */
  finetuneFraction: optional(share, 0.2),
  /**
   * Sides are multiples of this number of pixels.
   * @default 4
   */
  sizeIncrement: optional(whole(1), 4),
}

/**
 * Trains on smaller images first: a step costs as much as its images have pixels, and early epochs do not need the
 * detail. Images are shrunk with antialiasing after `augment`. Names and defaults are those of `ProgressiveResizing` in
 * MosaicML's Composer.
 */
export interface ProgressiveResizing extends OptionsOf<typeof progressiveOptions> {}

export const progressiveResizingKind: Kind<ReadOf<typeof progressiveOptions>, ProgressiveResizing> = group(
  progressiveOptions,
)
