import { number, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions, type Table } from '../base/option.js'
import { type NetworkOptions, networkOptions } from '../nn/network_options.js'

export const modelOptions = {
  ...networkOptions,
  /**
   * How many classes the last layer tells apart.
   * @default as many as the published network
   */
  classes: optional(whole(1)),
}

export const sizeOptions = {
  ...modelOptions,
  /**
   * Height and width of samples.
   * @default 224, as the published network's
   */
  size: optional(whole(1)),
}

export const dropoutOptions = {
  ...modelOptions,
  /**
   * The share that each dropout layer zeroes while training.
   * @default the published network's
   */
  dropout: optional(number({ least: 0, most: 1 })),
}

export const hiddenOptions = {
  ...dropoutOptions,
  /**
   * Neurons of each hidden fully connected layer.
   * @default 4096, as published
   */
  hidden: optional(whole(1)),
}

export const hiddenSizeOptions = { ...hiddenOptions, size: sizeOptions.size }

export interface ModelOptions extends NetworkOptions, OptionsOf<typeof modelOptions> {}

/** Of networks that pool to a fixed size, whatever comes in. */
export interface SizeOptions extends NetworkOptions, OptionsOf<typeof sizeOptions> {}

export interface DropoutOptions extends NetworkOptions, OptionsOf<typeof dropoutOptions> {}

/** Of AlexNet and VGG. */
export interface HiddenOptions extends NetworkOptions, OptionsOf<typeof hiddenOptions> {}

/** The options of a model, and those among them that are the network's. */
export function readModelOptions<T extends typeof modelOptions & Table>(
  model: string,
  table: T,
  given: OptionsOf<T>,
) {
  const read = readOptions(model, table, given)
  const { seed, device } = read as { readonly seed: number; readonly device: 'cpu' }
  return { ...read, own: { seed, device } }
}
