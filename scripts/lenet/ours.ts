import { applyCriterion, criteria, type Network, optim } from '../../lib/index.js'
import {
  type DatasetHandle,
  loadAddon,
  PREFIX_BATCH,
  runJob,
  type TrainerHandle,
  type TrainingResult,
} from '../../lib/internal.js'
import { BATCH, DENSITY, MOMENTUM, RATES, type Task, WEIGHT_DECAY } from './task.js'

/** Our side: the pretrained network, pruned to its largest weights and retrained in jobs as `train` does. */
export class Ours {
  readonly network: Network
  readonly #task: Task
  readonly #optimizer: optim.Optimizer
  #trainer: TrainerHandle
  #prefix: DatasetHandle | undefined
  #next = 0

  private constructor(task: Task, network: Network, fused: boolean) {
    this.#task = task
    this.network = network
    const lr = RATES[task.model]
    const spec = optim.sgd({ lr, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY, fused })
    this.#optimizer = optim.Optimizer.of(network, spec)
    this.#trainer = this.#trainerOver(task.dataset.handle)
  }

  #trainerOver(dataset: DatasetHandle, after = -1): TrainerHandle {
    const options = { batchSize: BATCH, after, keepLosses: true }
    return loadAddon().trainerMake(this.network.handle, this.#optimizer.handle, dataset, options)
  }

  /** Starts with the pruned network; `frozen` names layers that are not trained, and `fused` defaults to true. */
  static async start(
    task: Task,
    options: { readonly fused?: boolean; readonly frozen?: readonly string[] } = {},
  ): Promise<Ours> {
    const network = await task.fresh()
    await applyCriterion(network, criteria.magnitude().density(DENSITY))
    network.freeze(...(options.frozen ?? []))
    return new Ours(task, network, options.fused ?? true)
  }

  /**
   * Caches the outputs of the frozen layers at the front, and trains on them from now on. Returns the seconds that it
   * took.
   */
  async fillCache(): Promise<number> {
    const { handle } = this.network
    const native = loadAddon()
    const after = native.networkFrozenPrefix(handle)
    const started = performance.now()
    const cached = await runJob(() =>
      native.prefixStart(handle, this.#task.dataset.handle, { batchSize: PREFIX_BATCH }),
    )
    const seconds = (performance.now() - started) / 1000
    native.trainerDispose(this.#trainer)
    this.#prefix = cached
    this.#trainer = this.#trainerOver(cached, after)
    return seconds
  }

  /** Runs the next steps in one job; after the last batch of the task, it starts over with the first. */
  async run(steps: number): Promise<TrainingResult & { readonly seconds: number }> {
    const { order, model } = this.#task
    const samples = Array.from({ length: steps * BATCH }, (_, i) => order[(this.#next + i) % order.length]!)
    this.#next = (this.#next + samples.length) % order.length
    const epoch = { order: samples, rates: [RATES[model]] }
    const started = performance.now()
    const result = await runJob(() => loadAddon().trainerRun(this.#trainer, epoch))
    return { ...result, seconds: (performance.now() - started) / 1000 }
  }

  [Symbol.dispose](): void {
    loadAddon().trainerDispose(this.#trainer)
    if (this.#prefix) loadAddon().datasetDispose(this.#prefix)
    this.#optimizer.dispose()
    this.network.dispose()
  }
}
