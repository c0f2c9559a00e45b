import { list, pair } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { anyOf, boolean, type Kind, number, text, whole } from '../base/kind.js'
import { optional, type Table } from '../base/option.js'

/** Height and width, or one number for both. */
export type Size2 = number | readonly [height: number, width: number]
export type Pair = readonly [number, number]

const count = whole(1)
const share = number({ least: 0, most: 1 })

/** One number for both dimensions, read as two. */
function size(least: number): Kind<Pair, Size2> {
  const either = anyOf(whole(least), pair(whole(least)))
  return {
    ...either,
    read(value, name) {
      const read = either.read(value, name)
      return typeof read === 'number' ? [read, read] : read
    },
  }
}

/** Where a layer reads from. */
export const from = { from: optional(anyOf(text, list(text, 'an array of names of layers'))) }

/** What a kind of layer is made with: `of` comes first and by place, `options` after it and by name. */
export interface LayerTables {
  readonly of: Table
  readonly options: Table
}

export const linear = {
  of: { inFeatures: count, outFeatures: count },
  options: {
    /** @default true */
    bias: optional(boolean, true),
  },
}

export const conv2d = {
  of: { inChannels: count, outChannels: count, kernelSize: size(1) },
  options: {
    /** @default 1 */
    stride: optional(size(1), [1, 1]),
    /**
     * Zeros around the image.
     * @default 0
     */
    padding: optional(size(0), [0, 0]),
    /** @default 1 */
    dilation: optional(size(1), [1, 1]),
    /**
     * Channels are split into this many groups that do not see each other.
     * @default 1
     */
    groups: optional(count, 1),
    /** @default true */
    bias: optional(boolean, true),
  },
}

export const batchNorm2d = {
  of: { features: count },
  options: {
    /**
     * Added to the variance.
     * @default 1e-5
     */
    eps: optional(number({ least: 0 }), 1e-5),
    /**
     * Share of a batch's statistics in the running ones.
     * @default 0.1
     */
    momentum: optional(share, 0.1),
  },
}

/** Steps between the windows of a pooling layer. */
export const stride = size(1)

const pool = {
  /**
   * Steps between windows.
   * @default the window's size
   */
  stride: optional(stride),
  /** @default 0 */
  padding: optional(size(0), [0, 0]),
}

export const maxPool2d = {
  of: { kernelSize: size(1) },
  options: {
    ...pool,
    /**
     * Rounds output sizes up.
     * @default false
     */
    ceilMode: optional(boolean, false),
  },
}

export const avgPool2d = { of: { kernelSize: size(1) }, options: pool }

export const adaptiveAvgPool2d = { of: { outputSize: size(1) }, options: {} }

export const localResponseNorm = {
  of: { size: count },
  options: {
    /** @default 1e-4 */
    alpha: optional(number(), 1e-4),
    /** @default 0.75 */
    beta: optional(number(), 0.75),
    /** @default 1 */
    k: optional(number(), 1),
  },
}

export const dropout = { of: { p: share }, options: {} }

/** Of the kinds that nothing is to be said of. */
export const plain = { of: {}, options: {} }

/** How many a layer may read, its shapes say. */
export const add = { from: list(text, 'an array of names of layers') }

/** Throws where the channels of a convolution do not come in its groups. */
export function checkGroups(
  { groups, inChannels, outChannels }: { readonly [Key in 'groups' | 'inChannels' | 'outChannels']: number },
  name: string,
): void {
  if (inChannels % groups === 0 && outChannels % groups === 0) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name}: ${groups} groups divide neither evenly: ${inChannels} channels in, ${outChannels} out`,
  )
}
