import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { AnyNetwork } from '../nn/network.js'
import { noGrad } from '../tensor/autograd.js'
import { scope } from '../tensor/scope.js'
import { Tensor } from '../tensor/tensor.js'
import {
  type FilterNormCriterion,
  type FisherCriterion,
  type ScoresCriterion,
  valueFor,
} from './criterion.js'

interface ScoreOptions {
  readonly ease: (finalDensity: number) => number
  readonly data?: Dataset | undefined
  readonly signal?: AbortSignal | undefined
}

/** Prunes once by scores: the largest of them stay. */
export async function applyScores(
  network: AnyNetwork,
  criterion: FisherCriterion | FilterNormCriterion | ScoresCriterion,
  layers: readonly string[],
  options: ScoreOptions,
): Promise<void> {
  const { ease, signal } = options
  const prune = async (names: readonly string[], scores: readonly Tensor[], keep: number) => {
    const weights = names.map((name) => `${name}.weight`)
    const handles = scores.map((score) => score.handle)
    await runJob(() => loadAddon().pruneScored(network.handle, weights, handles, keep), signal)
  }
  if (criterion.kind === 'filterNorm') {
    for (const name of layers) {
      using norms = filterNorms(network, name)
      const [filters, ...rest] = norms.shape as [number, ...number[]]
      const size = rest.reduce((a, b) => a * b, 1)
      await prune([name], [norms], Math.round(ease(valueFor(criterion.density, name)) * filters) * size)
    }
    return
  }
  const scores =
    criterion.kind === 'fisher'
      ? await fisherScores(network, criterion, layers, options)
      : layers.map((name) => scoreOf(network, name, criterion))
  const share = (some: readonly Tensor[]) =>
    Math.round(ease(criterion.density) * some.reduce((sum, score) => sum + score.numel, 0))
  try {
    if (criterion.kind === 'scores' && criterion.perLayer) {
      for (const [i, name] of layers.entries()) await prune([name], [scores[i]!], share([scores[i]!]))
    } else await prune(layers, scores, share(scores))
  } finally {
    for (const score of scores) score.dispose()
  }
}

/** Each weight's score is the L1 norm of its filter, so that filters go whole. */
function filterNorms(network: AnyNetwork, layer: string): Tensor {
  return noGrad(() =>
    scope(() => {
      const weight = network.tensor(`${layer}.weight`).detach()
      const norms = weight.abs().flatten(1).sum(1)
      return norms
        .reshape([-1, ...weight.shape.slice(1).map(() => 1)])
        .expand([...weight.shape])
        .contiguous()
    }),
  )
}

async function fisherScores(
  network: AnyNetwork,
  { batches, batchSize }: FisherCriterion,
  layers: readonly string[],
  { data, signal }: ScoreOptions,
): Promise<Tensor[]> {
  if (data === undefined) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'the Fisher criterion looks at gradients: give applyCriterion() data',
    )
  }
  // From the front and in order, so that a round repeats; the sets come shuffled or in no order of classes.
  const order = Array.from({ length: Math.min(batches * batchSize, data.length) }, (_, i) => i)
  const names = layers.map((name) => `${name}.weight`)
  const start = () => loadAddon().fisherStart(network.handle, data.handle, { order, batchSize }, names)
  const information = (await runJob(start, signal)).map((handle) => Tensor.wrap(handle))
  return information.map((squares, i) => {
    using owned = squares
    return noGrad(() => scope(() => network.tensor(names[i]!).detach().square().mul(owned).mul(0.5)))
  })
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
