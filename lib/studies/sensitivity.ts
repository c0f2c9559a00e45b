import { TorchPruneError } from '../base/errors.js'
import type { Job } from '../base/job.js'
import { type OptionsOf, readOptions } from '../base/option.js'
import type { Dataset } from '../data/dataset.js'
import { datasetKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { refuseSpliced } from '../nn/sealed.js'
import { applyCriterion } from '../prune/mask.js'
import { sensitivityOptions } from '../prune/options.js'
import { magnitude } from '../prune/score/magnitude.js'
import { evaluate } from '../train/evaluate.js'
import { networkJob } from '../train/lease.js'
import { checkValues, checkWeights } from '../train/numbers.js'
import { checkTargets } from '../train/samples.js'
import type { StudyProgress } from './progress.js'

/** Options of `prune.sensitivity`. */
export interface SensitivityOptions<Name extends string = string>
  extends Omit<OptionsOf<typeof sensitivityOptions>, 'layers' | 'known'> {
  /**
   * The layers to study.
   * @default all layers with connections
   */
  readonly layers?: readonly Name[] | undefined
  /** Called before each point; if it returns an error, that is used instead of measuring it again. */
  readonly known?: ((layer: Name, density: number) => number | undefined) | undefined
}

/** The error with one layer pruned to one density and the others unchanged. Errors are in percent. */
export interface SensitivityPoint<Name extends string = string> {
  /** The name of the pruned layer. */
  readonly layer: Name
  /** The share of its weights that is kept. */
  readonly density: number
  /** The top-1 error of the network, in percent. */
  readonly error: number
  /** The number of points that are done, including this one. */
  readonly done: number
  /** The number of points in total. */
  readonly total: number
}

/** The error of the network by density of one layer. */
export interface LayerSensitivity<Name extends string = string> {
  /** The name of the layer. */
  readonly layer: Name
  /** Whether the layer is convolutional or fully connected. */
  readonly kind: 'conv' | 'fc'
  /** The number of weights in the dense layer. */
  readonly weights: number
  /** The points of the curve, from dense to sparse. */
  readonly points: readonly { readonly density: number; readonly error: number }[]
}

/** The result of `prune.sensitivity`. Errors are in percent. */
export interface Sensitivity<Name extends string = string> {
  /** The top-1 error before anything is pruned, in percent. */
  readonly denseError: number
  /** The curves, in the network's order of layers. */
  readonly layers: readonly LayerSensitivity<Name>[]
}

/** The default densities; they are closer together where curves bend. */
export const SENSITIVITY_GRID: readonly number[] = [
  0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01,
]

/**
 * Measures how sensitive each layer is to pruning (paper, figure 6): one layer at a time is pruned to each density,
 * without retraining, and the error is measured on `dataset`, which should be a validation part. The network is
 * unchanged afterward, bit for bit. If awaited, it resolves to the curves; if iterated, it yields each point.
 *
 * @throws TorchPruneError synchronously, at the call itself and before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE`
 * for wrong arguments, such as a density outside 0..1 or a layer without connections. The job rejects for anything else
 * that goes wrong: `ERR_BUSY` for a network in use, `ERR_SEAL` for one that is spliced, `ERR_ARGUMENT` for weights or
 * samples that are NaN or infinite.
 */
export function sensitivity<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  dataset: Dataset,
  options?: SensitivityOptions<PrunableName<K>>,
): Job<SensitivityPoint<PrunableName<K>>, Sensitivity<PrunableName<K>>, StudyProgress>
export function sensitivity(
  network: AnyNetwork,
  dataset: Dataset,
  options: SensitivityOptions = {},
): Job<SensitivityPoint, Sensitivity, StudyProgress> {
  networkKind.read(network, 'prune.sensitivity: network')
  datasetKind.read(dataset, 'prune.sensitivity: dataset')
  const read = readOptions('prune.sensitivity', sensitivityOptions, options)
  const unknown = read.layers?.find((layer) => !(network.prunable as readonly string[]).includes(layer))
  if (unknown !== undefined) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `layer '${unknown}' has no connections to prune: use ${network.prunable.join(', ')}`,
    )
  }
  checkTargets(network, dataset, read.loss)
  return networkJob(
    'sensitivity()',
    network,
    { datasets: [dataset] },
    (signal, report) => pointsOf(network, dataset, { ...read, signal }, report),
    read.signal,
  )
}

async function* pointsOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: SensitivityOptions,
  report: (progress: StudyProgress) => void,
): AsyncGenerator<SensitivityPoint, Sensitivity, void> {
  const { densities = SENSITIVITY_GRID, loss, autocast, memoryFormat, signal } = options
  refuseSpliced(network, 'sensitivity is not measured')
  await checkWeights(network, signal)
  await checkValues(dataset, 'the dataset', signal)
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const reading = { loss, autocast, signal }
  const grid = [...new Set(densities)].sort((a, b) => b - a)
  const costs = network.costs.filter(({ name }) => options.layers?.includes(name) ?? true)
  const { error: denseError } = await evaluate(network, dataset, reading)
  const layers: LayerSensitivity[] = []
  const total = costs.length * grid.length
  let done = 0
  for (const { name: layer, kind, weights } of costs) {
    const points: { density: number; error: number }[] = []
    for (const density of grid) {
      const known = options.known?.(layer, density)
      const error = known ?? (await errorPruned(network, layer, density, dataset, reading))
      points.push({ density, error })
      report({ done: ++done, total })
      yield { layer, density, error, done, total }
    }
    layers.push({ layer, kind, weights, points })
  }
  return { denseError, layers }
}

/** The error with one layer pruned; its weights and mask are restored whatever happens. */
async function errorPruned(
  network: AnyNetwork,
  layer: string,
  density: number,
  dataset: Dataset,
  reading: Pick<SensitivityOptions, 'loss' | 'autocast' | 'signal'>,
): Promise<number> {
  const name = `${layer}.weight`
  using weight = (await network.snapshot([name])).get(name)!
  using mask = network.mask(layer)
  try {
    await applyCriterion(network, magnitude().density({ [layer]: density }), { signal: reading.signal })
    return (await evaluate(network, dataset, reading)).error
  } finally {
    await network.put([[name, weight]], [{ name, kind: mask ? 'sealed' : 'none', keep: mask?.handle }])
  }
}
