import { type Abortable, abortOptions } from '../base/abort.js'
import { list } from '../base/collection.js'
import { Job } from '../base/job.js'
import { callback, number, seed } from '../base/kind.js'
import { group, type OptionsOf, optional, readOptions } from '../base/option.js'
import { deriveSeed } from '../base/seed.js'
import type { Listener } from '../binding/native_job.js'
import { splitsKind } from '../data/splits.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { l1, l2 } from '../optim/regularization.js'
import { LARGEST_RATE } from '../optim/spec.js'
import { applyCriterion } from '../prune/mask.js'
import { magnitude } from '../prune/score/magnitude.js'
import { densityKind } from '../prune/select/selection.js'
import { checkSettings, checkTrainingSet } from '../train/check.js'
import { evaluate } from '../train/evaluate.js'
import { DEFAULT_LOSS } from '../train/losses.js'
import { retrainOptions, settingsOptions } from '../train/options.js'
import { checkTargets } from '../train/samples.js'
import { train } from '../train/train.js'
import type { StudyProgress } from './progress.js'

/** One of the five curves of figure 5. */
export interface CurveKind {
  /** The name in the legend. */
  readonly name: string
  /** The regularization of both the dense training and retraining. */
  readonly regularization: 'l1' | 'l2'
  /** Whether the network is retrained after pruning. */
  readonly retrain: boolean
  /** Whether each density starts from the network of the previous one, rather than from the dense network. */
  readonly iterative: boolean
}

/** The curves of figure 5, from the one that loses the most accuracy to the one that loses the least. */
export const TRADEOFF_CURVES: readonly CurveKind[] = [
  { name: 'L2, without retraining', regularization: 'l2', retrain: false, iterative: false },
  { name: 'L1, without retraining', regularization: 'l1', retrain: false, iterative: false },
  { name: 'L1, retrained', regularization: 'l1', retrain: true, iterative: false },
  { name: 'L2, retrained', regularization: 'l2', retrain: true, iterative: false },
  { name: 'L2, iterated', regularization: 'l2', retrain: true, iterative: true },
]

const { regularization: _, ...denseOptions } = settingsOptions
const strength = number({ least: 0, most: LARGEST_RATE })

const tradeoffOptions = {
  /** Makes the untrained network for a seed. */
  model: callback<(options: { seed: number }) => AnyNetwork>(),
  /** The data to train and test on. */
  data: splitsKind('train', 'validation', 'test'),
  /** The seeds, each of which gives its own set of curves. */
  seeds: list(seed, 'an array of one seed or more', 1),
  /** The densities at which accuracy is measured. */
  densities: list(densityKind, 'an array of densities'),
  /** The options of the dense training. */
  dense: group(denseOptions),
  /** The options of retraining. */
  retrain: group(retrainOptions),
  /** The strength of L1 regularization, from 0. */
  l1: strength,
  /** The strength of L2 regularization, from 0. */
  l2: strength,
  /** Called before each curve of a seed; if it returns losses, those are used instead of computing them again. */
  known: optional(callback<(curve: CurveKind, seed: number) => readonly number[] | undefined>()),
  /** Called with a description of the current work. */
  onProgress: optional(callback<Listener<string>>()),
  ...abortOptions,
}

/** Options of `prune.tradeoff`. */
export interface TradeoffOptions extends Abortable, OptionsOf<typeof tradeoffOptions> {}

/**
 * One curve of one seed: the accuracy lost on the test set at each density, in percentage points and in the given
 * order.
 */
export interface TradeoffResult {
  /** The curve that is done. */
  readonly curve: CurveKind
  /** The seed of the dense network and of retraining. */
  readonly seed: number
  /** The accuracy lost at each density, in percentage points; gains are negative. */
  readonly losses: readonly number[]
}

/**
 * Measures the accuracy lost by share of weights pruned (paper, figure 5). It is measured on the test set, because no
 * choices are based on it. Yields each curve of each seed when it is done, so that a study can be resumed after it.
 *
 * @throws TorchPruneError synchronously, at the call itself and before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE`
 * for wrong arguments. The job rejects for anything else that goes wrong, as in `train()`.
 */
export function tradeoff(
  options: TradeoffOptions,
): Job<TradeoffResult, readonly TradeoffResult[], StudyProgress> {
  const read = readOptions('prune.tradeoff', tradeoffOptions, options)
  checkParts(read)
  return new Job((signal, report) => curvesOf({ ...read, signal }, report), read.signal)
}

/** Throws now for what would otherwise fail after hours of training: settings, and data that does not fit the model. */
function checkParts({ model, seeds, data, dense, retrain, ...options }: TradeoffOptions): void {
  using network = model({ seed: seeds[0] ?? 0 })
  for (const kind of ['l1', 'l2'] as const) {
    const regularization = strengthOf(kind, options)
    for (const settings of [dense, retrain]) {
      const whole = { ...settings, regularization }
      checkTrainingSet(network, data.train, whole, checkSettings(network, whole))
    }
  }
  checkTargets(network, data.test, dense.loss ?? DEFAULT_LOSS, 'the test set')
}

async function* curvesOf(
  options: TradeoffOptions,
  report: (progress: StudyProgress) => void,
): AsyncGenerator<TradeoffResult, readonly TradeoffResult[], void> {
  const done: TradeoffResult[] = []
  for (const seed of options.seeds) {
    const dense = new DenseNetworks(options, seed)
    for (const curve of TRADEOFF_CURVES) {
      const known = options.known?.(curve, seed)
      const losses = known ?? (await lossesOf(curve, seed, await dense.get(curve.regularization), options))
      const result = { curve, seed, losses }
      done.push(result)
      report({ done: done.length, total: options.seeds.length * TRADEOFF_CURVES.length })
      yield result
    }
    dense.dispose()
  }
  return done
}

/** The dense networks of a seed, one per kind of regularization, each trained when it is first needed. */
class DenseNetworks {
  readonly #options: TradeoffOptions
  readonly #seed: number
  readonly #trained = new Map<string, AnyNetwork>()

  constructor(options: TradeoffOptions, seed: number) {
    this.#options = options
    this.#seed = seed
  }

  async get(kind: 'l1' | 'l2'): Promise<AnyNetwork> {
    const ready = this.#trained.get(kind)
    if (ready) return ready
    const { model, data, dense, signal, onProgress } = this.#options
    await onProgress?.(`seed ${this.#seed}: dense training with ${kind.toUpperCase()}`)
    const network = model({ seed: this.#seed })
    await train(network, data.train, {
      ...dense,
      regularization: strengthOf(kind, this.#options),
      seed: this.#seed,
      signal,
    })
    this.#trained.set(kind, network)
    return network
  }

  dispose(): void {
    for (const network of this.#trained.values()) network.dispose()
  }
}

async function lossesOf(
  curve: CurveKind,
  seed: number,
  dense: AnyNetwork,
  options: TradeoffOptions,
): Promise<number[]> {
  const { data, densities, model, signal, onProgress } = options
  const { loss = DEFAULT_LOSS } = options.dense
  const reference = await evaluate(dense, data.test, { loss, signal })
  const copy = () => copyOf(dense, model({ seed }))
  // In an iterated curve, densities decrease, and each starts from the previous one.
  const order = [...densities.keys()].sort((a, b) => densities[b]! - densities[a]!)
  const losses = densities.map(() => 0)
  let network = await copy()
  for (const i of order) {
    await onProgress?.(`seed ${seed}: ${curve.name}, density ${densities[i]}`)
    if (!curve.iterative) {
      network.dispose()
      network = await copy()
    }
    const criterion = magnitude().global(densities[i]!, { normalize: 'survivors' })
    await applyCriterion(network, criterion, { signal })
    if (curve.retrain) await retrain(network, curve, deriveSeed(seed, i), options)
    losses[i] = (await evaluate(network, data.test, { loss, signal })).error - reference.error
  }
  network.dispose()
  return losses
}

async function retrain(
  network: AnyNetwork,
  curve: CurveKind,
  seed: number,
  options: TradeoffOptions,
): Promise<void> {
  const { distillation: _, ...training } = options.retrain
  await train(network, options.data.train, {
    ...training,
    regularization: strengthOf(curve.regularization, options),
    seed,
    signal: options.signal,
  })
}

function strengthOf(kind: 'l1' | 'l2', options: Pick<TradeoffOptions, 'l1' | 'l2'>) {
  return kind === 'l1' ? l1(options.l1) : l2(options.l2)
}

async function copyOf(from: AnyNetwork, to: AnyNetwork): Promise<AnyNetwork> {
  const values = await from.snapshot()
  try {
    await to.put(values)
  } finally {
    for (const tensor of values.values()) tensor.dispose()
  }
  return to
}
