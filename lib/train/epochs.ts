import { deriveSeed } from '../base/seed.js'
import { loadAddon } from '../binding/addon.js'
import { runStoppable } from '../binding/native_job.js'
import { nativeAugmentation } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/network.js'
import { Optimizer } from '../optim/optimizer.js'
import { noRegularization } from '../optim/regularization.js'
import { constant, rateFactor } from '../optim/schedule.js'
import { Average } from './average.js'
import { stepsOf } from './check.js'
import { beginningOf, TrainingCheckpoint } from './checkpoint.js'
import { checkTeacherValues, lessonOf } from './distillation.js'
import { causeOfBreakdown } from './divergence.js'
import { measure, percentWrong } from './evaluate.js'
import { identityOf } from './identity.js'
import { checkValues, checkWeights } from './numbers.js'
import { DEFAULT_BATCH_SIZE } from './options.js'
import { fillCache } from './prefix.js'
import type { ImageSize } from './progressive.js'
import type { Epoch, Training, TrainResult } from './training.js'

/** The work of `train()`: yields each epoch that is over. `sizes` has one for each, where images are resized. */
export async function* epochsOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: Training,
  sizes?: readonly (ImageSize | undefined)[],
): AsyncGenerator<Epoch, TrainResult, void> {
  const {
    epochs,
    optimizer: spec,
    batchSize = DEFAULT_BATCH_SIZE,
    schedule = constant(),
    validation,
    autocast,
    signal,
    onProgress,
  } = options
  const { regularization = noRegularization, seed = network.seed } = options
  const { labelSmoothing = 0, dropLast = false, splicing, distillation } = options
  const steps = stepsOf(dataset, options)
  const checkpoint =
    options.checkpoint &&
    new TrainingCheckpoint(options.checkpoint, await identityOf(network, dataset, options, signal))
  // The optimizer itself is made when weights are in their places: what is wrong with it shows here.
  Optimizer.of(network, spec, regularization).dispose()
  await checkpoint?.checkPlace()
  if (!(await checkpoint?.found())) await checkWeights(network, signal)
  await checkValues(dataset, 'the training set', signal)
  if (validation) await checkValues(validation, 'the validation set', signal)
  if (distillation) await checkTeacherValues(distillation.teacher, signal)
  const saved = await checkpoint?.restore(network)
  if (options.memoryFormat) await network.setMemoryFormat(options.memoryFormat, signal)
  using optimizer = Optimizer.of(network, spec, regularization)
  using cache = options.cachePrefix ? await fillCache(network, dataset, options, seed) : undefined
  const samples = cache?.dataset ?? dataset
  const after = cache?.after ?? -1
  // What the cache holds is augmented already.
  const augment = cache ? undefined : nativeAugmentation(options.augment)
  const lesson = await lessonOf(distillation, dataset, { autocast, signal })
  using average = options.averaging && (await Average.of(network, options.averaging))
  await saved?.putInto(network, optimizer, average)
  let at = saved?.position ?? beginningOf((splicing?.after ?? 0) + 1)
  let kept = at
  const keep = async () => {
    if (at === kept || (await checkpoint?.saveIfRoom(at, network, optimizer, average)) === false) return
    kept = at
  }
  const done: Epoch[] = []
  let firstLoss = Number.NaN
  let largestSample = 0
  let moved = saved !== undefined
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
                dropLast,
                rates,
                seed: epochSeed,
                augment,
                size: sizes?.[epoch - 1],
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
        if (result === undefined) throw signal?.reason
        if (Number.isNaN(firstLoss)) firstLoss = result.firstLoss
        largestSample = Math.max(largestSample, result.largestSample)
        if (result.broken) {
          throw causeOfBreakdown({
            epoch,
            result: { ...result, broken: result.broken },
            steps,
            firstLoss,
            largestSample,
            moved: moved || result.steps > from.steps,
            lr: rates[Math.max(0, Math.min(result.steps, steps) - 1)]!,
            optimizer: spec,
            regularization,
          })
        }
        moved ||= result.steps > from.steps
        if (result.splicing) splicing?.done(result.splicing)
        at = { ...result, epoch }
        signal?.throwIfAborted()
        if (at.steps < steps) await keep()
      }
      if (epoch === epochs) await average?.settle(dataset, { batchSize, dropLast, autocast }, signal)
      const seconds = (performance.now() - started) / 1000
      const checked = validation && (await measure(network, validation, { autocast, signal }))
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
    // Whoever aborts relies on what is saved.
    if (signal?.aborted && error === signal.reason && at !== kept) {
      await checkpoint?.save(at, network, optimizer, average)
    }
    throw error
  }
  return { epochs: done }
}
