import type { AnyNetwork } from '../nn/any_network.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Evaluation } from './metrics.js'
import type { EarlyStoppingOptions } from './options/early_stopping.js'

/** The state of early stopping, besides the best weights. */
export interface StoppingState {
  /** The best epoch so far, from 1; 0 before the first. */
  readonly epoch: number
  /** The monitored number in that epoch. */
  readonly value: number
  /** The number of epochs since then. */
  readonly waited: number
}

/** Monitors results on the validation set, and keeps the weights of the best epoch. */
export class EarlyStopping {
  readonly #network: AnyNetwork
  readonly #options: EarlyStoppingOptions
  #state: StoppingState = { epoch: 0, value: Number.POSITIVE_INFINITY, waited: 0 }
  #best: ReadonlyMap<string, Tensor> = new Map()

  constructor(network: AnyNetwork, options: EarlyStoppingOptions) {
    this.#network = network
    this.#options = options
  }

  get state(): StoppingState {
    return this.#state
  }

  /** The best weights and buffers so far, by name; they belong to this object. Empty before the first epoch. */
  get tensors(): ReadonlyMap<string, Tensor> {
    return this.#best
  }

  /** Whether training should stop, because no epoch was better for too long. */
  get over(): boolean {
    return this.#state.waited >= this.#options.patience
  }

  /** Continues from the state of another one. */
  async load(state: StoppingState, best: ReadonlyMap<string, Tensor>): Promise<void> {
    this.#state = state
    this.#keep(best)
  }

  /** Takes in the result of a finished epoch on the validation set. */
  async note(epoch: number, evaluation: Evaluation): Promise<void> {
    const { monitor = 'error', minDelta = 0 } = this.#options
    const value = evaluation[monitor]
    if (value < this.#state.value - minDelta) {
      this.#state = { epoch, value, waited: 0 }
      this.#keep(await this.#network.snapshot())
    } else {
      this.#state = { ...this.#state, waited: this.#state.waited + 1 }
    }
  }

  /** Puts the best weights back into the network; pruned weights stay pruned. */
  async restore(): Promise<void> {
    if (this.#best.size > 0) await this.#network.put(this.#best)
  }

  #keep(best: ReadonlyMap<string, Tensor>): void {
    this[Symbol.dispose]()
    this.#best = best
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#best.values()) tensor.dispose()
    this.#best = new Map()
  }
}
