import type { Node } from '../../nn/graph.js'

/** A value for each channel, where it is the same for every sample and pixel; NaN where it is not. */
export type Constants = Float64Array

/** What the walk needs to know of the parameters. */
export interface ChannelValues {
  /** Whether a row of a layer's weight has any connection. */
  rowAlive(layer: string): readonly boolean[]
  bias(layer: string): readonly number[] | undefined
  /** What a batch normalisation in evaluation mode does to each channel: `scale · x + shift`. */
  affine(layer: string): { readonly scale: readonly number[]; readonly shift: readonly number[] }
}

/**
 * Which channels of each layer's output are constant: a neuron without incoming connections puts out its bias,
 * and what follows makes another constant of that.
 */
export function constantOutputs(
  inputChannels: number,
  nodes: readonly Node[],
  values: ChannelValues,
): Map<string, Constants> {
  const constants = new Map<string, Constants>([['input', new Float64Array(inputChannels).fill(Number.NaN)]])
  for (const { name, layer, inputs, shape } of nodes) {
    const source = constants.get(inputs[0]!)!
    constants.set(name, outputOf())
    function outputOf(): Constants {
      switch (layer.kind) {
        case 'linear':
        case 'conv2d': {
          const alive = values.rowAlive(name)
          const bias = values.bias(name)
          return Float64Array.from({ length: shape[0]! }, (_, c) =>
            alive[c] ? Number.NaN : (bias?.[c] ?? 0),
          )
        }
        case 'batchNorm2d': {
          const { scale, shift } = values.affine(name)
          return source.map((value, c) => scale[c]! * value + shift[c]!)
        }
        case 'relu':
          return source.map((value) => Math.max(value, 0))
        case 'avgPool2d':
          // Padding mixes zeros in, at the border alone.
          return layer.padding.some((size) => size > 0)
            ? source.map((value) => (value === 0 ? 0 : Number.NaN))
            : source
        case 'localResponseNorm':
          // A value is divided by what its neighbours are, but 0 stays 0.
          return source.map((value) => (value === 0 ? 0 : Number.NaN))
        case 'add':
          return source.map((value, c) =>
            inputs.slice(1).reduce((sum, other) => sum + constants.get(other)![c]!, value),
          )
        case 'maxPool2d':
        case 'adaptiveAvgPool2d':
        case 'flatten':
        case 'dropout':
          return source
      }
    }
  }
  return constants
}

/** Whether a constant that enters a layer adds the same to each of its outputs' pixels. */
export function foldsExactly({ layer }: Node, constant: number): boolean {
  if (Number.isNaN(constant)) return false
  // At the border, padding takes the place of the constant.
  return constant === 0 || layer.kind !== 'conv2d' || layer.padding.every((size) => size === 0)
}
