import { optional } from '../../../base/option.js'
import type { Shape } from '../../../tensor/shape.js'
import type { Refuse } from './kind.js'
import { type Pair, size } from './options.js'
import { image, slide } from './windows.js'

/** Steps between the windows of a pooling layer. */
export const stride = size(1)

export const pool = {
  /**
   * Steps between windows.
   * @default the window's size
   */
  stride: optional(stride),
  /** @default 0 */
  padding: optional(size(0), [0, 0]),
}

/** The windows of a pooling layer. */
export interface Pool {
  readonly kernelSize: Pair
  readonly stride: Pair
  readonly padding: Pair
  readonly ceilMode?: boolean
}

/** A pooling layer whose windows lie side by side unless its stride says otherwise. */
export function pooling<
  K extends string,
  L extends { readonly kernelSize: Pair; readonly stride: Pair | undefined },
>(layer: L & { readonly kind: K }) {
  const { kind, kernelSize, stride = kernelSize, ...rest } = layer
  return { kind, kernelSize, stride, ...rest }
}

export function pooledShape(layer: Pool, input: Shape, refuse: Refuse): Shape {
  const [channels, height, width] = image(input, refuse)
  const [h, w] = slide([height, width], layer)
  if (h < 1 || w < 1) throw refuse('an input at least as large as its window')
  return [channels, h, w]
}
