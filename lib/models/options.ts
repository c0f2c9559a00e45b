import type { NetworkOptions } from '../nn/network.js'

export interface ModelOptions extends NetworkOptions {
  /** How many classes the last layer tells apart; as many as the published network's unless given. */
  readonly classes?: number | undefined
}

/** Of networks that pool to a fixed size, whatever comes in. */
export interface SizeOptions extends ModelOptions {
  /** Height and width of samples; 224, as the published network's, unless given. */
  readonly size?: number | undefined
}

export interface DropoutOptions extends ModelOptions {
  /** The share that each dropout layer zeroes while training; the published network's unless given. */
  readonly dropout?: number | undefined
}

/** Of AlexNet and VGG. */
export interface HiddenOptions extends DropoutOptions {
  /** Neurons of each hidden fully connected layer; 4096, as published, unless given. */
  readonly hidden?: number | undefined
}
