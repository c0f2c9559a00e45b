import { messageOf, TorchPruneError } from '../base/errors.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { resolveGraph } from '../nn/graph.js'
import { type ProgressiveResizing, progressiveResizingKind } from './options/progressive_resizing.js'

export type ImageSize = readonly [height: number, width: number]

/**
 * Returns the size of images in each epoch; undefined if they are not resized.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for numbers out of range, `ERR_SHAPE` for a network that does not take
 * smaller images.
 */
export function progressiveSizes(
  { inputShape, layers }: AnyNetwork,
  epochs: number,
  progressive: ProgressiveResizing,
): (ImageSize | undefined)[] {
  const { initialScale, delayFraction, finetuneFraction, sizeIncrement } = progressiveResizingKind.read(
    progressive,
    'progressiveResizing',
  )
  const growing = 1 - delayFraction - finetuneFraction
  if (growing < -1e-9) {
    throw refusal('ARGUMENT', 'delayFraction and finetuneFraction are more than all epochs together')
  }
  if (inputShape.length !== 3) {
    throw refusal('SHAPE', `it is for images, the network takes samples of shape [${inputShape.join(', ')}]`)
  }
  const [channels, height, width] = inputShape as readonly [number, number, number]
  const sizes = Array.from({ length: epochs }, (_, done): ImageSize | undefined => {
    const after = done / epochs - delayFraction
    const grown = after < 0 ? 0 : after < growing ? after / growing : 1
    const scale = initialScale + (1 - initialScale) * grown
    const side = (full: number) =>
      Math.min(Math.max(Math.round((full * scale) / sizeIncrement), 1) * sizeIncrement, full)
    if (scale === 1 || (side(height) === height && side(width) === width)) return undefined
    return [side(height), side(width)]
  })
  for (const size of sizes) {
    if (size) checkTakes([channels, ...size], layers)
  }
  return sizes
}

function checkTakes(shape: readonly number[], layers: AnyNetwork['layers']): void {
  try {
    resolveGraph(shape, layers)
  } catch (cause) {
    const said = messageOf(cause)
    throw refusal('SHAPE', `images of [${shape.join(', ')}] do not fit, ${said}; raise initialScale`)
  }
}

function refusal(code: 'ARGUMENT' | 'SHAPE', what: string): TorchPruneError {
  return new TorchPruneError(`ERR_${code}`, `progressiveResizing: ${what}`)
}
