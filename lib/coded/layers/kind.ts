import { damaged } from '../damage.js'
import { type LayerInfo, sizeOf } from '../description.js'
import type { CodedTensor } from '../tensor.js'

export type Shape = readonly number[]
export type Pair = readonly [number, number]
/** Computes a layer's output for one sample. */
export type Step = (inputs: readonly Float64Array[], output: Float64Array) => void

/** A layer of a file, whose options are checked as they are read. */
export class Options {
  readonly #info: LayerInfo

  constructor(info: LayerInfo) {
    this.#info = info
  }

  number(name: string): number {
    const value = this.#info.layer[name]
    return typeof value === 'number' && Number.isFinite(value) ? value : this.refuse(`no number ${name}`)
  }

  whole(name: string, least = 1): number {
    const value = this.number(name)
    return Number.isSafeInteger(value) && value >= least ? value : this.refuse(`${name} ${value}`)
  }

  flag(name: string): boolean {
    const value = this.#info.layer[name]
    return typeof value === 'boolean' ? value : this.refuse(`no ${name}`)
  }

  pair(name: string, least = 1): Pair {
    const value = this.#info.layer[name]
    const fits = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= least
    if (!Array.isArray(value) || value.length !== 2 || !value.every(fits))
      return this.refuse(`no pair ${name}`)
    return [value[0], value[1]]
  }

  /** Refuses a file whose layer cannot be as it says. */
  refuse(what: string): never {
    return damaged(`layer ${JSON.stringify(this.#info.name)} with ${what}`, 0)
  }
}

/** What a kind of layer needs to run. */
export interface Made {
  readonly options: Options
  readonly inputs: readonly Shape[]
  /** A tensor of the layer by its own name, which must have this shape. */
  tensor(name: string, shape: Shape): CodedTensor
}

/** A kind of layer: the shape of its output, and how it is computed. */
export interface Kind {
  shape(made: Made): Shape
  /** `output` is the shape that `shape` gave. */
  step(made: Made, output: Shape): Step
}

/** The sizes of an image, `[channels, height, width]`. */
export function imageOf({ inputs, options }: Made): readonly [number, number, number] {
  const [input] = inputs
  if (input?.length !== 3) return options.refuse('an input that is no image')
  return input as unknown as [number, number, number]
}

/** The only input of a layer. */
export function inputOf({ inputs, options }: Made): Shape {
  return inputs.length === 1 ? inputs[0]! : options.refuse(`${inputs.length} inputs`)
}

/** The elements of a tensor as numbers. */
export function numbersOf(tensor: CodedTensor): Float64Array {
  return Float64Array.from(tensor.dense() as Float32Array)
}

/** A kind whose output is a function of each value of its input. */
export function pointwise(of: (value: number) => number): Kind {
  return {
    shape: inputOf,
    step: () => (inputs, output) => {
      const [input] = inputs
      for (let i = 0; i < output.length; i++) output[i] = of(input![i]!)
    },
  }
}

/** A kind whose output is its input, of the shape that `shape` gives it. */
export function handsOn(shape: (input: Shape) => Shape): Kind {
  return {
    shape: (made) => shape(inputOf(made)),
    step: () => (inputs, output) => output.set(inputs[0]!),
  }
}

/** The number of places of a window along a side, as PyTorch counts them. */
export function placesAlong(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  up: boolean,
): number {
  const room = size + 2 * padding - kernel
  if (!up) return Math.floor(room / stride) + 1
  const count = Math.ceil(room / stride) + 1
  // A window may not start in the padding behind the input.
  return (count - 1) * stride >= size + padding ? count - 1 : count
}

export { sizeOf }
