import { throwIfAborted } from '../base/abort.js'
import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeGroup, NativeRanked } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import { filterCount, isPrunable } from '../nn/cost.js'
import type { AnyNetwork } from '../nn/network.js'
import { noGrad } from '../tensor/autograd.js'
import { HeldTensors } from '../tensor/held.js'
import { invokeLater } from '../tensor/invoke.js'
import { scope } from '../tensor/scope.js'
import { Tensor } from '../tensor/tensor.js'
import type { Loss } from '../train/losses.js'
import {
  type Criterion,
  type DeviationCriterion,
  type DeviationOf,
  type FisherCriterion,
  type PerLayer,
  type ScoresCriterion,
  valueFor,
} from './criterion.js'

interface RankOptions {
  readonly ease: (finalDensity: number) => number
  /** Standard deviations of the layers. */
  readonly deviations: (of: DeviationOf) => readonly number[]
  readonly data?: Dataset | undefined
  readonly loss?: Loss | undefined
  readonly signal?: AbortSignal | undefined
}

/** What is ranked against what, and how much of it stays. Owns the scores. */
export interface Ranking extends Disposable {
  readonly groups: readonly NativeGroup[]
}

/** How a criterion that meets a density ranks weights. */
export async function rank(
  network: AnyNetwork,
  criterion: Exclude<Criterion, DeviationCriterion>,
  layers: readonly string[],
  options: RankOptions,
): Promise<Ranking> {
  const { ease, deviations } = options
  const costs = new Map<string, number>(network.costs.map(({ name, weights }) => [name, weights]))
  const plain = layers.map((layer): NativeRanked => ({ name: `${layer}.weight` }))
  const each = (density: PerLayer<string>, ranked: readonly NativeRanked[]): NativeGroup[] =>
    layers.map((layer, i) => ({
      keep: Math.round(ease(valueFor(density, layer)) * costs.get(layer)!),
      layers: [ranked[i]!],
    }))
  const together = (density: number, ranked: readonly NativeRanked[]): NativeGroup[] => {
    const weights = layers.reduce((sum, layer) => sum + costs.get(layer)!, 0)
    return [{ keep: Math.round(ease(density) * weights), layers: ranked }]
  }
  switch (criterion.kind) {
    case 'layerDensity':
      return owning(each(criterion.density, plain))
    case 'globalDensity': {
      const { density, normalize } = criterion
      if (normalize === 'none') return owning(together(density, plain))
      const scales = deviations(normalize)
      // A layer whose weights are all the same has no deviation to divide by.
      return owning(
        together(
          density,
          plain.map((layer, i) => ({ ...layer, scale: scales[i]! || 1 })),
        ),
      )
    }
    case 'filterNorm':
      return owning(
        layers.map((layer, i) => ({
          keep: Math.round(ease(valueFor(criterion.density, layer)) * filtersOf(network, layer)),
          filters: true,
          layers: [plain[i]!],
        })),
      )
    case 'fisher': {
      const scores = await fisherScores(network, criterion, layers, options)
      return owning(together(criterion.density, scored(plain, scores)), scores)
    }
    case 'scores': {
      const scores = layers.map((name) => scoreOf(network, name, criterion))
      const groups = criterion.perLayer ? each : together
      return owning(groups(criterion.density, scored(plain, scores)), scores)
    }
  }
}

function owning(groups: readonly NativeGroup[], scores: readonly Tensor[] = []): Ranking {
  return {
    groups,
    [Symbol.dispose]() {
      for (const score of scores) score.dispose()
    },
  }
}

function scored(layers: readonly NativeRanked[], scores: readonly Tensor[]): NativeRanked[] {
  return layers.map((layer, i) => ({ ...layer, scores: scores[i]!.handle }))
}

/** Filters of a convolution, or rows of a fully connected layer. */
function filtersOf(network: AnyNetwork, name: string): number {
  return filterCount(network.nodes.filter(isPrunable).find((node) => node.name === name)!)
}

async function fisherScores(
  network: AnyNetwork,
  { batches, batchSize, seed }: FisherCriterion,
  layers: readonly string[],
  { data, loss, signal }: RankOptions,
): Promise<Tensor[]> {
  if (data === undefined) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'the Fisher criterion looks at gradients: give applyCriterion() data',
    )
  }
  const sample = { samples: batches * batchSize, batchSize, seed, loss }
  const names = layers.map((name) => `${name}.weight`)
  const start = () => loadAddon().fisherStart(network.handle, data.handle, sample, names)
  using held = new HeldTensors()
  const information = await withGradients(network, layers, async () =>
    (await runJob(start, signal)).map((handle) => held.use(Tensor.wrap(handle))),
  )
  const weights = await network.snapshot(names)
  for (const weight of weights.values()) held.use(weight)
  const scores: Tensor[] = []
  try {
    // As jobs: a hundred million weights take longer than an event loop may wait.
    for (const [i, name] of names.entries()) {
      throwIfAborted(signal)
      using squares = Tensor.wrap(await invokeLater('square', weights.get(name)!))
      using product = Tensor.wrap(await invokeLater('mul.Tensor', squares, information[i]!))
      scores.push(Tensor.wrap(await invokeLater('mul.Scalar', product, 0.5)))
    }
  } catch (error) {
    for (const score of scores) score.dispose()
    throw error
  }
  return scores
}

/** Lets frozen layers have gradients while some work is done: what losing a weight costs is the same, trained or not. */
async function withGradients<Result>(
  network: AnyNetwork,
  layers: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const { frozen } = network
  if (!frozen.some((layer) => layers.includes(layer))) return work()
  network.unfreeze(...frozen)
  try {
    return await work()
  } finally {
    network.freeze(...frozen)
  }
}

function scoreOf(network: AnyNetwork, name: string, { scores }: ScoresCriterion): Tensor {
  return noGrad(() =>
    scope(() => {
      const result: unknown = scores({ name, weight: network.tensor(`${name}.weight`).detach() })
      if (result instanceof Tensor) return result
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `the scores of '${name}' must be a tensor, got ${typeof result}`,
      )
    }),
  )
}
