import { loadAddon } from '../binding/addon.js'
import type { JobProgress, Native, SplicingCounts } from '../binding/native.js'
import { type JobOptions, runJob } from '../binding/native_job.js'
import { type Augmentation, isRandom, nativeAugmentation } from '../data/augment.js'
import { Dataset } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import type { ComputeOptions } from '../nn/compute.js'
import type { AnyNetwork } from '../nn/network.js'
import type { Averaging } from '../optim/averaging.js'
import { Optimizer } from '../optim/optimizer.js'
import { noRegularization, type Regularization } from '../optim/regularization.js'
import { constant, rateFactor, type Schedule } from '../optim/schedule.js'
import type { OptimizerSpec } from '../optim/spec.js'
import { Tensor } from '../tensor/tensor.js'
import { Average } from './average.js'
import { checkSamples, evaluate, percentWrong, predict } from './evaluate.js'
import { Job } from './job.js'
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

export interface TrainOptions extends JobOptions, ComputeOptions {
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
  /**
   * Computes once what the frozen layers in front put out for each sample, and trains the rest on that. Held in
   * memory: samples times the size of the last frozen layer's output, in float32. False unless given.
   */
  readonly cachePrefix?: boolean | undefined
  /** Ends with an average of the weights on the way instead of the last ones: `ema()` or `swa()`. */
  readonly averaging?: Averaging | undefined
  /**
   * With `cachePrefix` and `augment`: how many augmented variants of each sample the cache holds. Each epoch takes
   * one of them by chance. Needed there, for a cache of one would freeze the augmentation unnoticed.
   */
  readonly cacheVariants?: number | undefined
  /** Read after each epoch; after the last one with the averaged weights, where there are. */
  readonly validation?: Dataset | undefined
  /** Seeds the order of samples and dropout; the network's own unless given. */
  readonly seed?: number | undefined
  /** Called now and then within an epoch. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined
  /** @internal */
  readonly splicing?: TrainSplicing | undefined
}

/** Learning from what a teacher says of each sample (Hinton, Vinyals and Dean 2015). */
export interface Distillation {
  /** A network, asked once before the first epoch, or its logits for the dataset from `predict()`. */
  readonly teacher: AnyNetwork | Tensor
  /** Share of the loss that is the teacher's. 0.7 unless given. */
  readonly weight?: number | undefined
  /** Softens both sides' probabilities. 4 unless given. */
  readonly temperature?: number | undefined
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
 * signal's reason when aborted (after the step it is in).
 */
export function train(network: AnyNetwork, dataset: Dataset, options: TrainOptions): Job<Epoch, TrainResult> {
  const { epochs, batchSize = 64 } = options
  for (const [what, value] of Object.entries({ epochs, batchSize })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new TorchPruneError('ERR_ARGUMENT', `${what} must be a whole number of 1 or more, got ${value}`)
    }
  }
  if (options.averaging && options.splicing) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'masks that change leave no weights to average: splice first, then train to an average',
    )
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
  using optimizer = Optimizer.of(network, spec, regularization)
  const { labelSmoothing = 0, splicing } = options
  using cache = options.cachePrefix ? await fillCache(network, dataset, options, seed) : undefined
  const samples = cache?.dataset ?? dataset
  const after = cache?.after ?? -1
  // What the cache holds is augmented already.
  const augment = cache ? undefined : nativeAugmentation(options.augment)
  const lesson = await lessonOf(options.distillation, dataset, signal)
  using average = options.averaging && new Average(network, options.averaging)
  const done: Epoch[] = []
  for (let epoch = (splicing?.after ?? 0) + 1; epoch <= epochs; epoch++) {
    const started = performance.now()
    const epochSeed = deriveSeed(seed, epoch)
    network.reseed(epochSeed)
    const first = (epoch - 1) * steps
    const rates = Float64Array.from(
      { length: steps },
      (_, i) => spec.lr * rateFactor(schedule, first + i, epochs * steps, steps),
    )
    const masks = splicing && { splicing: await splicing.plan(first, steps, epochs * steps) }
    const result = await runJob(
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
    if (epoch === epochs) await average?.settle(dataset, { batchSize, autocast }, signal)
    const seconds = (performance.now() - started) / 1000
    const checked = validation && (await evaluate(network, validation, { autocast, signal }))
    const event: Epoch = {
      epoch,
      epochs,
      lr: rates[steps - 1]!,
      loss: result.loss,
      trainError: percentWrong(result.correct, result.samples),
      ...(checked && { validationError: checked.top1Error }),
      seconds,
      samplesPerSecond: result.samples / seconds,
    }
    done.push(event)
    yield event
  }
  return { epochs: done }
}

/** Samples at a time while the cache is filled. @internal */
export const PREFIX_BATCH = 250

/** What the frozen prefix puts out, for every sample. Throws `ERR_ARGUMENT` where no layer in front is frozen. */
async function fillCache(network: AnyNetwork, dataset: Dataset, options: TrainOptions, seed: number) {
  const native = loadAddon()
  const after = native.networkFrozenPrefix(network.handle)
  const augment = nativeAugmentation(options.augment)
  const { cacheVariants: variants = 1, autocast, signal } = options
  const filling = { batchSize: PREFIX_BATCH, augment, variants, autocast, seed: deriveSeed(seed, 0) }
  const handle = await runJob(() => native.prefixStart(network.handle, dataset.handle, filling), signal)
  const cached = new Dataset(handle, dataset.length, after < 0 ? [] : network.nodes[after]!.shape)
  return { dataset: cached, after, [Symbol.dispose]: () => cached.dispose() }
}

/** Throws `ERR_ARGUMENT` where a cache would meet an augmentation unasked. */
export function checkCache(options: Pick<TrainOptions, 'cachePrefix' | 'cacheVariants' | 'augment'>): void {
  const { cachePrefix, cacheVariants, augment } = options
  if (cacheVariants === undefined) {
    if (!cachePrefix || !isRandom(augment)) return
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'cachePrefix would keep one augmented variant of each sample for ever: give cacheVariants, or leave augment out',
    )
  }
  if (!Number.isInteger(cacheVariants) || cacheVariants < 1) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `cacheVariants must be a whole number of 1 or more, got ${cacheVariants}`,
    )
  }
  if (!cachePrefix || !isRandom(augment)) {
    throw new TorchPruneError('ERR_ARGUMENT', 'cacheVariants needs both cachePrefix and augment')
  }
}

/** The teacher's logits and how much they count, as the addon takes them. */
/** What a teacher says of every sample; it may come as that. @internal */
export async function logitsOf(
  teacher: Distillation['teacher'],
  dataset: Dataset,
  signal?: AbortSignal,
): Promise<Tensor> {
  return teacher instanceof Tensor ? teacher : predict(teacher, dataset, { signal })
}

async function lessonOf(distillation: Distillation | undefined, dataset: Dataset, signal?: AbortSignal) {
  if (distillation === undefined) return {}
  const { teacher, weight = 0.7, temperature = 4 } = distillation
  if (!(weight >= 0 && weight <= 1)) {
    throw new TorchPruneError('ERR_ARGUMENT', `distillation.weight must be in 0..1, got ${weight}`)
  }
  if (!(temperature > 0)) {
    throw new TorchPruneError('ERR_ARGUMENT', `distillation.temperature must be over 0, got ${temperature}`)
  }
  const logits = await logitsOf(teacher, dataset, signal)
  return { teacher: logits.handle, teacherWeight: weight, temperature }
}
