import { type Kind, number, whole } from '../../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../../base/option.js'

const share = number({ least: 0, most: 1 })

export const progressiveOptions = {
  /**
   * Share of each side at the start.
   * @default 0.5
   */
  initialScale: optional(share, 0.5),
  /**
   * Share of the epochs that stay at it.
   * @default 0.5
   */
  delayFraction: optional(share, 0.5),
  /**
   * Share of the epochs, the last ones, at the full size.
   * @default 0.2
   */
  finetuneFraction: optional(share, 0.2),
  /**
   * Sides are multiples of so many pixels.
   * @default 4
   */
  sizeIncrement: optional(whole(1), 4),
}

/**
 * Trains on smaller images first, where a step costs by the area: the early epochs do without the detail. Images are
 * shrunk with antialiasing after `augment`. Names and defaults are those of `ProgressiveResizing` in MosaicML's Composer.
 */
export interface ProgressiveResizing extends OptionsOf<typeof progressiveOptions> {}

export const progressiveResizingKind: Kind<ReadOf<typeof progressiveOptions>, ProgressiveResizing> = group(
  progressiveOptions,
)
