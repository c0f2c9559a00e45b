import { imageOf, inputOf, type Kind, type Made, placesAlong, type Step } from './kind.js'

/** Where a window along a side begins and ends. */
type Windows = readonly (readonly [begin: number, end: number])[]

/** Pools each window of each channel by `of`, which gets the image's place, its width, and the window. */
function pool(
  [, height, width]: readonly [number, number, number],
  [channels]: readonly number[],
  [rows, columns]: readonly [Windows, Windows],
  of: (
    input: Float64Array,
    at: number,
    width: number,
    rows: Windows[number],
    columns: Windows[number],
  ) => number,
): Step {
  return (inputs, output) => {
    let to = 0
    for (let channel = 0; channel < channels!; channel++) {
      const at = channel * height * width
      for (const row of rows)
        for (const column of columns) output[to++] = of(inputs[0]!, at, width, row, column)
    }
  }
}

function windowsAlong(made: Made, axis: 0 | 1, places: number): Windows {
  const [kernel, stride] = [made.options.pair('kernelSize')[axis], made.options.pair('stride')[axis]]
  const padding = made.options.pair('padding', 0)[axis]
  const size = imageOf(made)[axis + 1]!
  return Array.from({ length: places }, (_, place) => {
    const begin = place * stride - padding
    return [Math.max(begin, 0), Math.min(begin + kernel, size)]
  })
}

function pooledShape(made: Made, up: boolean): readonly number[] {
  inputOf(made)
  const [channels, ...size] = imageOf(made)
  const [kernel, stride] = [made.options.pair('kernelSize'), made.options.pair('stride')]
  const padding = made.options.pair('padding', 0)
  const along = (axis: 0 | 1) => placesAlong(size[axis]!, kernel[axis], stride[axis], padding[axis], up)
  return [channels, along(0), along(1)]
}

function largest(
  input: Float64Array,
  at: number,
  width: number,
  [top, bottom]: Windows[number],
  [left, right]: Windows[number],
): number {
  let most = Number.NEGATIVE_INFINITY
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const value = input[at + y * width + x]!
      if (value > most || Number.isNaN(value)) most = value
    }
  }
  return most
}

function sum(
  input: Float64Array,
  at: number,
  width: number,
  [top, bottom]: Windows[number],
  [left, right]: Windows[number],
): number {
  let all = 0
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) all += input[at + y * width + x]!
  return all
}

export const maxPool2d: Kind = {
  shape: (made) => pooledShape(made, made.options.flag('ceilMode')),
  step: (made, output) =>
    pool(
      imageOf(made),
      output,
      [windowsAlong(made, 0, output[1]!), windowsAlong(made, 1, output[2]!)],
      largest,
    ),
}

/** Padding counts as zeros. */
export const avgPool2d: Kind = {
  shape: (made) => pooledShape(made, false),
  step(made, output) {
    const [height, width] = made.options.pair('kernelSize')
    const windows = [windowsAlong(made, 0, output[1]!), windowsAlong(made, 1, output[2]!)] as const
    return pool(imageOf(made), output, windows, (...window) => sum(...window) / (height * width))
  },
}

export const adaptiveAvgPool2d: Kind = {
  shape(made) {
    inputOf(made)
    return [imageOf(made)[0], ...made.options.pair('outputSize')]
  },
  step(made, output) {
    const image = imageOf(made)
    const along = (axis: 1 | 2): Windows =>
      Array.from({ length: output[axis]! }, (_, place) => [
        Math.floor((place * image[axis]) / output[axis]!),
        Math.ceil(((place + 1) * image[axis]) / output[axis]!),
      ])
    return pool(image, output, [along(1), along(2)], (input, at, width, row, column) => {
      return sum(input, at, width, row, column) / ((row[1] - row[0]) * (column[1] - column[0]))
    })
  },
}
