import type { ComputeOptions } from '../base/compute.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { type Averaging, averageWeights } from '../optim/averaging.js'
import { invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'

/** The average of a network's weights while it trains. */
export class Average {
  readonly #network: AnyNetwork
  readonly #averaging: Averaging
  readonly #tensors: ReadonlyMap<string, Tensor>

  private constructor(network: AnyNetwork, averaging: Averaging, tensors: ReadonlyMap<string, Tensor>) {
    this.#network = network
    this.#averaging = averaging
    this.#tensors = tensors
  }

  /** Begins with the weights as they are now; frozen layers have none. */
  static async of(network: AnyNetwork, averaging: Averaging): Promise<Average> {
    const frozen: readonly string[] = network.frozen
    const names = loadAddon()
      .networkTensors(network.handle)
      .filter(({ layer, parameter }) => parameter && !frozen.includes(layer))
      .map(({ name }) => name)
    return new Average(network, averaging, await network.snapshot(names))
  }

  /** The averages by parameter, which stay its own. */
  get tensors(): ReadonlyMap<string, Tensor> {
    return this.#tensors
  }

  /** Takes up what another one had come to. */
  async load(values: ReadonlyMap<string, Tensor>): Promise<void> {
    for (const [name, tensor] of this.#tensors) {
      const saved = values.get(name)
      if (saved) Tensor.wrap(await invokeLater('copy_', tensor, saved)).dispose()
    }
  }

  /** The averages as the addon takes them. */
  get handles() {
    return Object.fromEntries([...this.#tensors].map(([name, tensor]) => [name, tensor.handle]))
  }

  /** How much each step of an epoch counts. */
  weights(epoch: number, epochs: number, steps: number): Float64Array {
    return averageWeights(this.#averaging, epoch, epochs, steps)
  }

  /** Puts it into the network, masks holding; batch normalization's statistics are computed for it. */
  async settle(
    dataset: Dataset,
    options: {
      readonly batchSize: number
      readonly dropLast: boolean
      readonly autocast?: ComputeOptions['autocast']
    },
    signal?: AbortSignal,
  ): Promise<void> {
    const network = this.#network
    await network.put(this.#tensors)
    await runJob(() => loadAddon().statisticsStart(network.handle, dataset.handle, options), signal)
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor.dispose()
  }
}
