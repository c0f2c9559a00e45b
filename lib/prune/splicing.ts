import { TorchPruneError } from '../base/errors.js'
import { type Job, telling } from '../base/job.js'
import { Lease } from '../base/lease.js'
import { type OptionsOf, type ReadOf, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { SplicingCounts } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { type DataSplits, splitsKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import { holdingNetwork, networkJob } from '../train/lease.js'
import type { TrainOptions } from '../train/options.js'
import type { TrainProgress } from '../train/progress.js'
import { startTraining } from '../train/train.js'
import { criterionKind, type SpliceCriterion } from './criterion.js'
import { adjustDropout } from './dropout.js'
import { keptWeights, type LayerKept, totalDensity } from './mask.js'
import { type SpliceOnceOptions, spliceOnceOptions, spliceOptions } from './options.js'
import type { SpliceEpoch } from './progress.js'
import { checkSpliceTarget, SpliceTarget } from './splice_target.js'
import { spliceSteps, spliceTimes } from './splice_times.js'
import { parameterReport } from './surgery/neurons.js'

export interface SpliceOptions<Name extends string = string>
  extends Omit<TrainOptions, 'validation' | 'averaging' | 'distillation' | 'checkpoint'>,
    Omit<OptionsOf<typeof spliceOptions>, 'criterion'> {
  /**
   * Which layers, and what share of their weights is kept in the end: `criteria.magnitude()` with `.density` or
   * `.global`.
   */
  readonly criterion: SpliceCriterion<Name>
}
type Splicing = Omit<ReadOf<typeof spliceOptions>, 'criterion' | 'signal'> &
  Pick<SpliceOptions, 'criterion' | 'signal'>

export interface SpliceResult {
  readonly epochs: readonly SpliceEpoch[]
  readonly layers: readonly LayerKept[]
  readonly density: number
  readonly compression: number
}

/**
 * Prunes during training, and takes back weights that should not have been pruned (Dynamic Network Surgery: Guo, Yao
 * and Chen 2016). The network computes with masked weights, while the dense weights that they come from learn (equation
 * 3); at some steps, the mask is chosen again by magnitude (equation 4). The density falls early in the run, and the
 * mask stays the same late in it. At the end, the network is sealed. If the run is aborted or fails, the network stays
 * spliced: save it as a checkpoint, or seal it with `network.seal()`. Frozen layers keep their weights and masks.
 *
 * @throws TorchPruneError synchronously, before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE` for
 * wrong arguments, such as a layer that does not exist or is frozen. Any other error rejects the job:
 * `ERR_ARGUMENT` for a layer that would be left without a weight, and as `train()`.
 */
export function splice<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: SpliceOptions<PrunableName<K>>,
): Job<SpliceEpoch, SpliceResult, TrainProgress> {
  networkKind.read(network, 'prune.splice: network')
  const parts = splitsKind('train', 'validation').read(data, 'prune.splice: data')
  const read = readOptions('prune.splice', spliceOptions, options) as Splicing
  const { epochs, after } = read
  spliceTimes(read)
  checkSpliceTarget(network, read.criterion)
  if (after && after.epoch >= epochs) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `after.epoch must be one of the ${epochs} epochs and not the last, got ${after.epoch}`,
    )
  }
  if (after && read.distillation && !read.distillation.teacher) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'a run that goes on needs its distillation.teacher: the network is not any more what it was at the beginning',
    )
  }
  return networkJob(
    'splice()',
    network,
    { datasets: [parts.train, parts.validation], teacher: read.distillation?.teacher },
    (signal, report) =>
      epochsOf(network, parts, { ...read, signal, onProgress: telling(report, read.onProgress) }),
    read.signal,
  )
}

/**
 * Chooses the masks of a network again, once, for your own training loops. It splices layers that are not spliced yet,
 * and keeps exactly the criterion's densities. Call `network.seal()` at the end of the loop.
 *
 * Rejects with TorchPruneError: `ERR_ARGUMENT` as `splice()`, also for wrong arguments, and if kept weights are NaN or
 * infinite; `ERR_BUSY` for a network in use.
 */
export async function spliceOnce<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  criterion: SpliceCriterion<PrunableName<K>>,
  options?: SpliceOnceOptions,
): Promise<SplicingCounts>
export async function spliceOnce(
  network: AnyNetwork,
  criterion: SpliceCriterion,
  options: SpliceOnceOptions = {},
): Promise<SplicingCounts> {
  networkKind.read(network, 'prune.spliceOnce: network')
  const aim = criterionKind.read(criterion, 'prune.spliceOnce: criterion') as SpliceCriterion
  const { margin, signal } = readOptions('prune.spliceOnce', spliceOnceOptions, options)
  checkSpliceTarget(network, aim)
  return holdingNetwork('spliceOnce()', network, {}, async () => {
    const target = await SpliceTarget.of(network, aim, undefined, signal)
    await startSplicing(network, target)
    const splicing = { ...(await target.groups(signal)), margin, keep: target.keepAt('linear', 1) }
    return runJob(() => loadAddon().spliceOnce(network.handle, splicing), signal)
  })
}

async function startSplicing(network: AnyNetwork, { layers }: SpliceTarget): Promise<void> {
  const spliced: readonly string[] = network.spliced
  for (const layer of layers) if (!spliced.includes(layer)) await network.splice(layer)
}

async function* epochsOf(
  network: AnyNetwork,
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: Splicing,
): AsyncGenerator<SpliceEpoch, SpliceResult, void> {
  const { criterion, densitySchedule, margin, after, onEpoch, adjustDropout: rule, distillation } = options
  const { every: _, probability: __, reach: ___, until: ____, ...training } = options
  const { signal, seed = network.seed } = training
  const times = spliceTimes(options)
  const target = await SpliceTarget.of(network, criterion, after, signal)
  // A loaded checkpoint has its first dropout back.
  if (after) adjustDropout(network, await keptWeights(network, signal), rule)
  let counts: SplicingCounts = { returned: 0, removed: 0 }
  const job = startTraining(network, data.train, {
    ...training,
    distillation: distillation && { ...distillation, teacher: distillation.teacher ?? network },
    validation: data.validation,
    splicing: {
      after: after?.epoch ?? 0,
      async plan(first, steps, total) {
        await startSplicing(network, target)
        const chosen = spliceSteps(times, seed, first, steps, total)
        const keep = chosen.flatMap(({ progress }) => target.keepAt(densitySchedule, progress))
        return { ...(await target.groups(signal)), margin, steps: chosen.map(({ step }) => step), keep }
      },
      done(result) {
        counts = result
      },
    },
  })
  const done: SpliceEpoch[] = []
  for await (const epoch of job) {
    const layers = await keptWeights(network, signal)
    adjustDropout(network, layers, rule)
    const point = { ...target.state, epoch: epoch.epoch }
    const event: SpliceEpoch = { ...epoch, density: totalDensity(layers), ...counts, point }
    done.push(event)
    await Lease.callBack(() => onEpoch?.(event))
    if (epoch.epoch === epoch.epochs) await network.seal()
    yield event
  }
  const layers = await keptWeights(network, signal)
  const { compression } = await parameterReport(network, signal)
  return { epochs: done, layers, density: totalDensity(layers), compression }
}
