import { loadAddon } from '../binding/addon.js'
import type { JobProgress, Native, SplicingCounts } from '../binding/native.js'
import { type JobOptions, runStoppable } from '../binding/native_job.js'
import { type Augmentation, nativeAugmentation } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import { checkCounts, TorchPruneError } from '../errors.js'
import type { ComputeOptions } from '../nn/compute.js'
import type { AnyNetwork } from '../nn/network.js'
import type { Averaging } from '../optim/averaging.js'
import { Optimizer } from '../optim/optimizer.js'
import { noRegularization, type Regularization } from '../optim/regularization.js'
import { constant, rateFactor, type Schedule } from '../optim/schedule.js'
import type { OptimizerSpec } from '../optim/spec.js'
import { Average } from './average.js'
import { beginningOf, type CheckpointOptions, TrainingCheckpoint } from './checkpoint.js'
import { type Distillation, lessonOf } from './distillation.js'
import { checkSamples, evaluate, percentWrong } from './evaluate.js'
import { Job } from './job.js'
import { type CacheOptions, checkCache, fillCache } from './prefix.js'
import { deriveSeed } from './seed.js'

/** Masks that change while a network trains: what `prune.splice()` adds to `train()`. @internal */
export interface TrainSplicing {
  /** Goes on behind this epoch of all, with the optimiser's moments new. */
  readonly after: number
  /** How masks change in an epoch of `steps` steps, of all `total`, from step `first` on. */
  plan(first: number, steps: number, total: number): Promise<TrainingSplicing>
  done(counts: SplicingCounts): void
}

type TrainingSplicing = NonNullable<Parameters<Native['trainingStart']>[3]['splicing']>

export interface TrainOptions extends JobOptions, ComputeOptions, CacheOptions {
  readonly epochs: number
  readonly optimizer: OptimizerSpec
  /** 64 unless given. */
  readonly batchSize?: number | undefined
  /** Constant unless given. */
  readonly schedule?: Schedule | undefined
  readonly regularization?: Regularization | undefined
  /** Moves this share of the targets from the right class to all of them (Szegedy et al. 2016). 0 unless given. */
  readonly labelSmoothing?: number | undefined
  /** Changes samples at random, anew in each epoch. */
  readonly augment?: Augmentation | undefined
  /** Learns from another network beside the labels; of samples as they are, also where `augment` changes them. */
  readonly distillation?: Distillation | undefined
  /** Ends with an average of the weights on the way instead of the last ones: `ema()` or `swa()`. */
  readonly averaging?: Averaging | undefined
  /** Read after each epoch; after the last one with the averaged weights, where there are. */
  readonly validation?: Dataset | undefined
  /** Saves where training stands, and goes on from there. */
  readonly checkpoint?: CheckpointOptions | undefined
  /** Seeds the order of samples and dropout; the network's own unless given. */
  readonly seed?: number | undefined
  /** Called now and then within an epoch. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined
  /** @internal */
  readonly splicing?: TrainSplicing | undefined
}

export interface TrainProgress extends JobProgress {
  readonly epoch: number
  readonly epochs: number
}

/** An epoch that is over. Errors are percent; the training error is the running one, dropout and all. */
export interface Epoch {
  readonly epoch: number
  readonly epochs: number
  /** The learning rate of its last step. */
  readonly lr: number
  readonly loss: number
  readonly trainError: number
  readonly validationError?: number
  readonly seconds: number
  readonly samplesPerSecond: number
}

export interface TrainResult {
  /** Those of this sitting, where a checkpoint went on. */
  readonly epochs: readonly Epoch[]
}

/** How a network was last trained, so that retraining can start from the same rate. */
export type Trained = Pick<
  TrainOptions,
  'optimizer' | 'batchSize' | 'regularization' | 'augment' | 'autocast'
>
const lastTraining = new WeakMap<object, Trained>()

export function howTrained(network: AnyNetwork): Trained | undefined {
  return lastTraining.get(network)
}

/**
 * Trains a network by cross-entropy, off the event loop. Awaited, it resolves when done; iterated, it yields
 * each epoch. Frozen layers stay as they are, masks hold.
 *
 * @throws TorchPruneError `ERR_ARGUMENT`, `ERR_SHAPE`, or `ERR_TORCH` when the loss stops being a number; the
 * signal's reason when aborted (after the step it is in); `ERR_FILE` for a checkpoint of another training.
 */
export function train(network: AnyNetwork, dataset: Dataset, options: TrainOptions): Job<Epoch, TrainResult> {
  const { epochs, batchSize = 64 } = options
  checkCounts({ epochs, batchSize })
  if (options.averaging && options.splicing) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'masks that change leave no weights to average: splice first, then train to an average',
    )
  }
  if (options.checkpoint && options.splicing) {
    throw new TorchPruneError('ERR_ARGUMENT', 'splicing keeps no checkpoint within an epoch: leave it out')
  }
  checkSamples(network, dataset)
  checkCache(options)
  return new Job(epochsOf(network, dataset, options))
}

async function* epochsOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: TrainOptions,
): AsyncGenerator<Epoch, TrainResult, void> {
  const {
    epochs,
    optimizer: spec,
    batchSize = 64,
    schedule = constant(),
    validation,
    autocast,
    signal,
    onProgress,
  } = options
  const { regularization = noRegularization, seed = network.seed } = options
  const steps = Math.ceil(dataset.length / batchSize)
  if (options.memoryFormat) await network.setMemoryFormat(options.memoryFormat, signal)
  lastTraining.set(network, {
    optimizer: spec,
    batchSize,
    regularization,
    augment: options.augment,
    autocast,
  })
  const checkpoint =
    options.checkpoint && new TrainingCheckpoint(options.checkpoint, identityOf(network, dataset, options))
  const saved = await checkpoint?.restore(network)
  using optimizer = Optimizer.of(network, spec, regularization)
  const { labelSmoothing = 0, splicing } = options
  using cache = options.cachePrefix ? await fillCache(network, dataset, options, seed) : undefined
  const samples = cache?.dataset ?? dataset
  const after = cache?.after ?? -1
  // What the cache holds is augmented already.
  const augment = cache ? undefined : nativeAugmentation(options.augment)
  const lesson = await lessonOf(options.distillation, dataset, signal)
  using average = options.averaging && new Average(network, options.averaging)
  saved?.putInto(network, optimizer, average)
  const begun = saved?.position ?? beginningOf((splicing?.after ?? 0) + 1)
  let at = begun
  let kept = at
  const keep = async () => {
    if (at !== kept) await checkpoint?.save(at, network, optimizer, average)
    kept = at
  }
  const done: Epoch[] = []
  try {
    for (let { epoch } = at; epoch <= epochs; epoch++) {
      const started = performance.now()
      const before = at.samples
      const epochSeed = deriveSeed(seed, epoch)
      if (at.steps === 0) network.reseed(epochSeed)
      const first = (epoch - 1) * steps
      const rates = Float64Array.from(
        { length: steps },
        (_, i) => spec.lr * rateFactor(schedule, first + i, epochs * steps, steps),
      )
      const masks = splicing && { splicing: await splicing.plan(first, steps, epochs * steps) }
      while (at.steps < steps) {
        const from = at
        const result = await runStoppable(
          (report) =>
            loadAddon().trainingStart(
              network.handle,
              optimizer.handle,
              samples.handle,
              {
                batchSize,
                rates,
                seed: epochSeed,
                augment,
                after,
                labelSmoothing,
                autocast,
                ...lesson,
                ...masks,
                ...average?.during(epoch, epochs, steps),
                from,
                pauseAfter: checkpoint?.pauseAfter,
              },
              report,
            ),
          signal,
          onProgress && ((progress) => onProgress({ ...progress, epoch, epochs })),
        )
        if (!Number.isFinite(result.loss)) {
          throw new TorchPruneError(
            'ERR_TORCH',
            `training diverged in epoch ${epoch}: the loss is ${result.loss}; lower the learning rate (now ${spec.lr})`,
          )
        }
        if (result.splicing) splicing?.done(result.splicing)
        at = { ...result, epoch }
        signal?.throwIfAborted()
        if (at.steps < steps) await keep()
      }
      if (epoch === epochs) await average?.settle(dataset, { batchSize, autocast }, signal)
      const seconds = (performance.now() - started) / 1000
      const checked = validation && (await evaluate(network, validation, { autocast, signal }))
      const event: Epoch = {
        epoch,
        epochs,
        lr: rates[steps - 1]!,
        loss: at.lossSum / at.samples,
        trainError: percentWrong(at.correct, at.samples),
        ...(checked && { validationError: checked.top1Error }),
        seconds,
        samplesPerSecond: (at.samples - before) / seconds,
      }
      done.push(event)
      at = beginningOf(epoch + 1)
      yield event
    }
    await keep()
  } catch (error) {
    if (signal?.aborted && error === signal.reason) await keep()
    throw error
  }
  return { epochs: done }
}

/** What a checkpoint must have in common with a training that goes on from it. */
function identityOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: TrainOptions,
): Readonly<Record<string, unknown>> {
  const {
    epochs,
    optimizer,
    batchSize = 64,
    schedule,
    regularization,
    labelSmoothing,
    augment,
    averaging,
  } = options
  const { cachePrefix = false, cacheVariants, distillation, seed = network.seed } = options
  const teaching = distillation && { weight: distillation.weight, temperature: distillation.temperature }
  return {
    ...{ epochs, optimizer, batchSize, schedule, regularization, labelSmoothing, augment, averaging },
    ...{ cachePrefix, cacheVariants, distillation: teaching, seed },
    samples: dataset.length,
    frozen: network.frozen,
    autocast: options.autocast,
    memoryFormat: network.memoryFormat,
  }
}
