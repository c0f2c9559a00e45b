import type { NetworkOptions } from '../nn/network.js'

export interface ModelOptions extends NetworkOptions {
  /** How many classes the last layer tells apart; as many as the published network's unless given. */
  readonly classes?: number | undefined
}

export interface DropoutOptions extends ModelOptions {
  /** The share that each dropout layer zeroes while training; the published network's unless given. */
  readonly dropout?: number | undefined
}
