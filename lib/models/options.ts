import { number, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions, type Table } from '../base/option.js'
import { type NetworkOptions, networkOptions } from '../nn/network_options.js'

/** The options of every model, by name. */
export const modelOptions = {
  ...networkOptions,
  /**
   * The number of classes that the last layer distinguishes.
   * @default the published network's
   */
  classes: optional(whole(1)),
}

/** The options of `SizeOptions`, by name. */
export const sizeOptions = {
  ...modelOptions,
  /**
   * The height and width of samples, in pixels.
   * @default 224, as in the published network
   */
  size: optional(whole(1)),
}

/** The options of `DropoutOptions`, by name. */
export const dropoutOptions = {
  ...modelOptions,
  /**
   * The share of inputs that each dropout layer zeroes in training.
   * @default the published network's
   */
  dropout: optional(number({ least: 0, most: 1 })),
}

/** The options of `DropoutSizeOptions`, by name. */
export const dropoutSizeOptions = { ...dropoutOptions, size: sizeOptions.size }

/** The options of `HiddenOptions`, by name. */
export const hiddenOptions = {
  ...dropoutOptions,
  /**
   * The number of neurons in each hidden fully connected layer.
   * @default 4096, as in the published network
   */
  hidden: optional(whole(1)),
}

/** The options of models that take both `HiddenOptions` and `SizeOptions`, by name. */
export const hiddenSizeOptions = { ...hiddenOptions, size: sizeOptions.size }

/** The options of every model. */
export interface ModelOptions extends NetworkOptions, OptionsOf<typeof modelOptions> {}

/** The options of networks that pool to a fixed size, and therefore take samples of any size. */
export interface SizeOptions extends NetworkOptions, OptionsOf<typeof sizeOptions> {}

/** The options of networks with dropout. */
export interface DropoutOptions extends NetworkOptions, OptionsOf<typeof dropoutOptions> {}

/** The options of networks with dropout that take samples of any size. */
export interface DropoutSizeOptions extends NetworkOptions, OptionsOf<typeof dropoutSizeOptions> {}

/** The options of AlexNet and VGG. */
export interface HiddenOptions extends NetworkOptions, OptionsOf<typeof hiddenOptions> {}

/** Reads the options of a model; `own` holds those of the network among them. */
export function readModelOptions<T extends typeof modelOptions & Table>(
  model: string,
  table: T,
  given: OptionsOf<T>,
) {
  const read = readOptions(model, table, given)
  const { seed, device } = read as { readonly seed: number; readonly device: 'cpu' }
  return { ...read, own: { seed, device } }
}
