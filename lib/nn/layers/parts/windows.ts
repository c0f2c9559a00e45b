import type { Shape } from '../../../tensor/shape.js'
import type { Refuse } from './kind.js'
import type { Pair } from './options.js'

/** An input that must be an image, `[channels, height, width]`. */
export function image(input: Shape, refuse: Refuse): readonly [number, number, number] {
  if (input.length !== 3) throw refuse('[channels, height, width]')
  return input as readonly [number, number, number]
}

export interface Window {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly dilation?: number
  readonly ceil?: boolean
}

/** Positions of a window that slides along a side, as PyTorch counts them. */
export function positions(size: number, { kernel, stride, padding, dilation = 1, ceil }: Window): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1
  if (!ceil) return Math.floor(room / stride) + 1
  const count = Math.ceil(room / stride) + 1
  // A window may not start in the padding behind the input.
  return (count - 1) * stride >= size + padding ? count - 1 : count
}

/** The same in both dimensions of an image. */
export function slide(
  size: Pair,
  window: {
    readonly kernelSize: Pair
    readonly stride: Pair
    readonly padding: Pair
    readonly dilation?: Pair
    readonly ceilMode?: boolean
  },
): Pair {
  const along = (axis: 0 | 1) =>
    positions(size[axis], {
      kernel: window.kernelSize[axis],
      stride: window.stride[axis],
      padding: window.padding[axis],
      dilation: window.dilation?.[axis] ?? 1,
      ceil: window.ceilMode ?? false,
    })
  return [along(0), along(1)]
}
