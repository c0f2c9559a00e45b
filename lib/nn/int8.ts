import { loadAddon } from '../binding/addon.js'
import type { NativeLevels } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { Tensor } from '../tensor/tensor.js'

/** A weight in int8: whole numbers of -127 to 127, and for each output channel what one of them is worth. */
export interface Int8Weight {
  /** `int8`, of the weight's shape. */
  readonly levels: Tensor
  /** `float32`, one for each channel. */
  readonly scales: Tensor
}

/** Levels are numbers from -127 to 127. */
export const MOST_LEVEL = 127

/** Whether a weight takes less as int8, with a scale for each channel, than as float32. */
export function isSmaller(weights: number, channels: number): boolean {
  return weights + 4 * channels < 4 * weights
}

/**
 * The levels nearest to a weight's values, where the largest of each output channel is 127 or -127. `axis` is the
 * dimension of the channels.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for values that are NaN or infinite.
 */
export async function nearestLevels(weight: Tensor, axis: number, signal?: AbortSignal): Promise<Int8Weight> {
  return wrapped((await runJob(() => loadAddon().quantizeLevels(weight.handle, axis, false), signal))!)
}

/** The levels of which a weight's values are the multiples, to the bit; undefined where there are none. */
export async function exactLevels(weight: Tensor, axis: number): Promise<Int8Weight | undefined> {
  const found = await runJob(() => loadAddon().quantizeLevels(weight.handle, axis, true))
  return found && wrapped(found)
}

function wrapped({ levels, scales }: NativeLevels): Int8Weight {
  return { levels: Tensor.wrap(levels), scales: Tensor.wrap(scales) }
}
