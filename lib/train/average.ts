import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import type { ComputeOptions } from '../nn/compute.js'
import type { AnyNetwork } from '../nn/network.js'
import { type Averaging, averageWeights } from '../optim/averaging.js'
import { noGrad } from '../tensor/autograd.js'
import type { Tensor } from '../tensor/tensor.js'

/** The average of a network's weights while it trains. */
export class Average {
  readonly #network: AnyNetwork
  readonly #averaging: Averaging
  readonly #tensors = new Map<string, Tensor>()

  constructor(network: AnyNetwork, averaging: Averaging) {
    this.#network = network
    this.#averaging = averaging
    for (const { name, layer, parameter } of loadAddon().networkTensors(network.handle)) {
      if (!parameter || (network.frozen as readonly string[]).includes(layer)) continue
      using weight = network.tensor(name)
      this.#tensors.set(
        name,
        noGrad(() => weight.detach().clone()),
      )
    }
  }

  /** The averages by parameter, which stay its own. */
  get tensors(): ReadonlyMap<string, Tensor> {
    return this.#tensors
  }

  /** Takes up what another one had come to. */
  load(values: ReadonlyMap<string, Tensor>): void {
    for (const [name, tensor] of this.#tensors) {
      const saved = values.get(name)
      if (saved) noGrad(() => tensor.copy_(saved))
    }
  }

  /** What the steps of an epoch need to keep it. */
  during(epoch: number, epochs: number, steps: number) {
    const averages = Object.fromEntries([...this.#tensors].map(([name, tensor]) => [name, tensor.handle]))
    return { averages, averageWeights: averageWeights(this.#averaging, epoch, epochs, steps) }
  }

  /** Puts it into the network, masks holding; batch normalisation's statistics are computed for it. */
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
    for (const [name, tensor] of this.#tensors) await network.load(name, tensor)
    await runJob(() => loadAddon().statisticsStart(network.handle, dataset.handle, options), signal)
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor.dispose()
  }
}
