import type { SparseRows } from '../matrix.js'
import type { CodedTensor } from '../tensor.js'
import { imageOf, inputOf, type Kind, type Made, numbersOf, placesAlong, type Step } from './kind.js'

interface Settings {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly dilation: readonly [number, number]
  readonly groups: number
  readonly inChannels: number
  readonly outChannels: number
}

function settingsOf({ options }: Made): Settings {
  const settings = {
    kernel: options.pair('kernelSize'),
    stride: options.pair('stride'),
    padding: options.pair('padding', 0),
    dilation: options.pair('dilation'),
    groups: options.whole('groups'),
    inChannels: options.whole('inChannels'),
    outChannels: options.whole('outChannels'),
  }
  const { groups, inChannels, outChannels } = settings
  if (inChannels % groups > 0 || outChannels % groups > 0) options.refuse(`${groups} groups`)
  return settings
}

export const conv2d: Kind = {
  shape(made) {
    inputOf(made)
    const [channels, ...size] = imageOf(made)
    const { kernel, stride, padding, dilation, inChannels, outChannels } = settingsOf(made)
    if (channels !== inChannels) made.options.refuse(`an input of ${channels} channels`)
    const along = (axis: 0 | 1) => {
      const reach = dilation[axis] * (kernel[axis] - 1) + 1
      return placesAlong(size[axis]!, reach, stride[axis], padding[axis], false)
    }
    return [outChannels, along(0), along(1)]
  },
  step(made, output) {
    const settings = settingsOf(made)
    const { kernel, groups, inChannels, outChannels } = settings
    const weight = made.tensor('weight', [outChannels, inChannels / groups, ...kernel])
    const bias = made.options.flag('bias') ? numbersOf(made.tensor('bias', [outChannels])) : undefined
    return convolve(weight.sparse ?? fullRows(weight), bias, settings, imageOf(made), output)
  },
}

/** All elements of a weight as rows. */
function fullRows(weight: CodedTensor): SparseRows {
  const values = weight.dense() as Float32Array
  const columns = values.length / weight.shape[0]!
  return {
    rowStart: Uint32Array.from({ length: weight.shape[0]! + 1 }, (_, row) => row * columns),
    columns: Uint32Array.from(values, (_, i) => i % columns),
    values,
  }
}

/** Adds, for each weight, the image that it sees to the image that it makes. */
function convolve(
  { rowStart, columns, values }: SparseRows,
  bias: Float64Array | undefined,
  { kernel, stride, padding, dilation, groups, inChannels }: Settings,
  [, height, width]: readonly [number, number, number],
  [outChannels, outHeight, outWidth]: readonly number[],
): Step {
  const area = kernel[0] * kernel[1]
  const [each, pixels] = [inChannels / groups, outHeight! * outWidth!]
  return (inputs, output) => {
    const input = inputs[0]!
    for (let channel = 0; channel < outChannels!; channel++) {
      const base = channel * pixels
      output.fill(bias?.[channel] ?? 0, base, base + pixels)
      const first = Math.floor(channel / (outChannels! / groups)) * each
      for (let i = rowStart[channel]!; i < rowStart[channel + 1]!; i++) {
        const [value, column] = [values[i]!, columns[i]!]
        const place = column % area
        const from = (first + (column - place) / area) * height * width
        const down = Math.floor(place / kernel[1]) * dilation[0] - padding[0]
        const right = (place % kernel[1]) * dilation[1] - padding[1]
        const [top, bottom] = inside(down, stride[0], height, outHeight!)
        const [left, end] = inside(right, stride[1], width, outWidth!)
        for (let y = top; y < bottom; y++) {
          const row = from + (y * stride[0] + down) * width + right
          for (let x = left, to = base + y * outWidth! + left; x < end; x++, to++)
            output[to]! += value * input[row + x * stride[1]]!
        }
      }
    }
  }
}

/** The places of the output that see the input, and not its padding, through a weight. */
function inside(offset: number, stride: number, size: number, places: number): readonly [number, number] {
  const first = Math.max(0, Math.ceil(-offset / stride))
  return [first, Math.min(places, Math.floor((size - 1 - offset) / stride) + 1)]
}
