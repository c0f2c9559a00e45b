import type { Job } from '../base/job.js'
import { Lease } from '../base/lease.js'
import { loadAddon } from '../binding/addon.js'
import type { SplicingCounts } from '../binding/native.js'
import { type JobOptions, runJob } from '../binding/native_job.js'
import type { DataSplits } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { LayerKinds, PrunableName } from '../nn/graph.js'
import type { AnyNetwork } from '../nn/network.js'
import type { Distillation } from '../train/distillation.js'
import { holdingNetwork, networkJob } from '../train/lease.js'
import { type Epoch, type TrainOptions, train } from '../train/train.js'
import { adjustDropout, type DropoutRule } from './dropout.js'
import { keptWeights, type LayerKept, totalDensity } from './mask.js'
import { parameterReport } from './neurons.js'
import type { DensitySchedule } from './schedule.js'
import {
  checkSpliceTarget,
  type SpliceCriterion,
  SpliceTarget,
  type SpliceTargetState,
} from './splice_target.js'
import { type SpliceTiming, spliceSteps, spliceTimes } from './splice_times.js'

const DEFAULT_MARGIN = 0.1

export interface SpliceOptions<Name extends string = string>
  extends Omit<TrainOptions, 'validation' | 'splicing' | 'averaging' | 'distillation'>,
    SpliceTiming {
  /** Which layers, and what share of their weights is kept in the end: `prune.layerDensity`, `prune.globalDensity`. */
  readonly criterion: SpliceCriterion<Name>
  /** How the density comes down from what it is. `'cubic'` unless given. */
  readonly densitySchedule?: DensitySchedule | undefined
  /**
   * How far apart the two thresholds are. A kept weight goes when it falls under `t / (1 + margin)`, a pruned one
   * returns when it reaches `t / (1 - margin)`, and `t` is solved for the density. 0.1 unless given.
   */
  readonly margin?: number | undefined
  /** Dropout after each epoch: by the square-root rule unless given. */
  readonly adjustDropout?: DropoutRule | undefined
  /** The teacher is the network as it comes, unless another is given. */
  readonly distillation?: (Omit<Distillation, 'teacher'> & Partial<Pick<Distillation, 'teacher'>>) | undefined
  /** Goes on behind an epoch, on the network that `saveCheckpoint()` wrote then; the optimiser's moments are new. */
  readonly after?: SplicePoint | undefined
  /** Awaited after each epoch, while the network is still spliced: the place to save a checkpoint. */
  readonly onEpoch?: ((epoch: SpliceEpoch) => Promise<void> | void) | undefined
}

/** Where a run stands beside its network: plain values, to be kept with a checkpoint. */
export interface SplicePoint extends SpliceTargetState {
  readonly epoch: number
}

/** An epoch that is over. */
export interface SpliceEpoch extends Epoch {
  /** Share of the weights that is kept. */
  readonly density: number
  /** How often in this epoch a pruned weight returned, and a kept one went. */
  readonly returned: number
  readonly removed: number
  readonly point: SplicePoint
}

export interface SpliceResult {
  readonly epochs: readonly SpliceEpoch[]
  readonly layers: readonly LayerKept[]
  readonly density: number
  readonly compression: number
}

/**
 * Prunes while it trains, and takes back what it should not have pruned (Dynamic Network Surgery: Guo, Yao and Chen
 * 2016). The network computes with masked weights while dense ones behind them learn, equation 3; at some steps the
 * mask is chosen again by their magnitude, equation 4. Early on the density comes down, late in the run the mask
 * stays. When the run is over, the network is sealed; when it is aborted or fails, it stays spliced, to be saved as a
 * checkpoint or sealed by `network.seal()`. Layers that are frozen keep their weights and masks.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for options out of range, a layer that is not there, is frozen, or would
 * be left without a weight.
 */
export function splice<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: SpliceOptions<PrunableName<K>>,
): Job<SpliceEpoch, SpliceResult> {
  const { epochs, after, margin = DEFAULT_MARGIN } = options
  spliceTimes(options)
  checkMargin(margin)
  checkSpliceTarget(network, options.criterion as SpliceCriterion)
  if (after && !(Number.isInteger(after.epoch) && after.epoch >= 0 && after.epoch < epochs)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `after.epoch must be one of the ${epochs} epochs and not the last, got ${after.epoch}`,
    )
  }
  if (after && options.distillation && !options.distillation.teacher) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'a run that goes on needs its distillation.teacher: the network is not any more what it was at the beginning',
    )
  }
  return networkJob(
    'splice()',
    network,
    { datasets: [data.train, data.validation], teacher: options.distillation?.teacher },
    (signal) => epochsOf(network, data, { ...(options as SpliceOptions), signal }),
    options.signal,
  )
}

/**
 * Chooses the masks of a network again, once, for loops of one's own: splices the layers that are not spliced yet,
 * and keeps the criterion's densities, exactly. The loop ends with `network.seal()`.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` as `splice()`.
 */
export async function spliceOnce<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  criterion: SpliceCriterion<PrunableName<K>>,
  options?: JobOptions & Pick<SpliceOptions, 'margin'>,
): Promise<SplicingCounts>
export async function spliceOnce(
  network: AnyNetwork,
  criterion: SpliceCriterion,
  options: JobOptions & Pick<SpliceOptions, 'margin'> = {},
): Promise<SplicingCounts> {
  const { margin = DEFAULT_MARGIN, signal } = options
  checkMargin(margin)
  checkSpliceTarget(network, criterion)
  return holdingNetwork('spliceOnce()', network, {}, async () => {
    const target = await SpliceTarget.of(network, criterion, undefined, signal)
    await startSplicing(network, target)
    const splicing = { ...(await target.groups(signal)), margin, keep: target.keepAt('linear', 1) }
    return runJob(() => loadAddon().spliceOnce(network.handle, splicing), signal)
  })
}

async function startSplicing(network: AnyNetwork, { layers }: SpliceTarget): Promise<void> {
  const spliced: readonly string[] = network.spliced
  for (const layer of layers) if (!spliced.includes(layer)) await network.splice(layer)
}

function checkMargin(margin: number): void {
  if (margin >= 0 && margin < 1) return
  throw new TorchPruneError('ERR_ARGUMENT', `margin must be 0 or more and under 1, got ${margin}`)
}

async function* epochsOf(
  network: AnyNetwork,
  data: Pick<DataSplits, 'train' | 'validation'>,
  options: SpliceOptions,
): AsyncGenerator<SpliceEpoch, SpliceResult, void> {
  const {
    criterion,
    densitySchedule = 'cubic',
    margin = DEFAULT_MARGIN,
    after,
    onEpoch,
    ...training
  } = options
  const { signal, seed = network.seed } = training
  const times = spliceTimes(options)
  const target = await SpliceTarget.of(network, criterion, after, signal)
  let counts: SplicingCounts = { returned: 0, removed: 0 }
  const job = train(network, data.train, {
    ...training,
    distillation: options.distillation && { teacher: network, ...options.distillation },
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
    adjustDropout(network, layers, options.adjustDropout)
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
