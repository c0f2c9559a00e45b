import { loadAddon } from '../../lib/binding/addon.js'
import type { TrainingResult } from '../../lib/binding/native.js'
import { applyCriterion, type Network, Optimizer, prune, sgd } from '../../lib/index.js'
import { runJob } from '../../lib/train/native_job.js'
import { BATCH, DENSITY, MOMENTUM, RATES, type Task, WEIGHT_DECAY } from './task.js'

/** Our side: the pretrained network pruned to its largest weights, retrained in jobs as `train` does. */
export class Ours {
  readonly network: Network
  readonly #task: Task
  readonly #optimizer: Optimizer
  #next = 0

  private constructor(task: Task, network: Network, fused: boolean) {
    this.#task = task
    this.network = network
    const lr = RATES[task.model]
    const spec = sgd({ lr, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY, fused })
    this.#optimizer = Optimizer.of(network, spec)
  }

  static async start(task: Task, options: { readonly fused?: boolean } = {}): Promise<Ours> {
    const network = await task.fresh()
    await applyCriterion(network, prune.layerDensity(DENSITY))
    return new Ours(task, network, options.fused ?? true)
  }

  /** The next steps, one job; the task's batches come round again behind the last. */
  async run(steps: number, keepLosses = false): Promise<TrainingResult & { readonly seconds: number }> {
    const { order, dataset, model } = this.#task
    const samples = Array.from({ length: steps * BATCH }, (_, i) => order[(this.#next + i) % order.length]!)
    this.#next = (this.#next + samples.length) % order.length
    const options = { order: samples, batchSize: BATCH, rates: [RATES[model]], keepLosses }
    const started = performance.now()
    const result = await runJob(() =>
      loadAddon().trainingStart(this.network.handle, this.#optimizer.handle, dataset.handle, options),
    )
    return { ...result, seconds: (performance.now() - started) / 1000 }
  }

  [Symbol.dispose](): void {
    this.#optimizer.dispose()
    this.network.dispose()
  }
}
