import { deriveSeed } from '../base/seed.js'
import { loadAddon } from '../binding/addon.js'
import { runStoppable } from '../binding/native_job.js'
import { nativeAugmentation } from '../data/augment.js'
import { explained } from '../data/batches.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { Optimizer } from '../optim/optimizer.js'
import { noRegularization } from '../optim/regularization.js'
import { constant, rateFactor } from '../optim/schedule.js'
import { Average } from './average.js'
import { stepsOf } from './check.js'
import { beginningOf, TrainingCheckpoint } from './checkpoint.js'
import { checkTeacherValues, lessonOf } from './distillation.js'
import { causeOfBreakdown } from './divergence.js'
import { EarlyStopping } from './early_stopping.js'
import { measure } from './evaluate.js'
import { identityOf } from './identity.js'
import { DEFAULT_LOSS } from './losses.js'
import { percentWrong } from './metrics.js'
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
  const { loss = DEFAULT_LOSS, dropLast = false, splicing, distillation } = options
  const { accumulate = 1, clipGradients, lrScale } = options
  const steps = stepsOf(dataset, options)
  const checkpoint =
    options.checkpoint &&
    new TrainingCheckpoint(options.checkpoint, await identityOf(network, dataset, options, signal))
  // The optimizer itself is made when weights are in their places: what is wrong with it shows here.
  Optimizer.of(network, spec, regularization, lrScale).dispose()
  await checkpoint?.checkPlace()
  if (!(await checkpoint?.found())) await checkWeights(network, signal)
  await checkValues(dataset, 'the training set', signal)
  if (validation) await checkValues(validation, 'the validation set', signal)
  if (distillation) await checkTeacherValues(distillation.teacher, signal)
  const saved = await checkpoint?.restore(network)
  if (options.memoryFormat) await network.setMemoryFormat(options.memoryFormat, signal)
  using optimizer = Optimizer.of(network, spec, regularization, lrScale)
  using cache = options.cachePrefix ? await fillCache(network, dataset, options, seed) : undefined
  const samples = cache?.dataset ?? dataset
  const after = cache?.after ?? -1
  // What the cache holds is augmented already.
  const augment = cache ? undefined : nativeAugmentation(options.augment)
  const lesson = await lessonOf(distillation, dataset, { autocast, signal })
  using average = options.averaging && (await Average.of(network, options.averaging))
  using stopping = options.earlyStopping && new EarlyStopping(network, options.earlyStopping)
  await saved?.putInto(network, optimizer, average, stopping)
  let at = saved?.position ?? beginningOf((splicing?.after ?? 0) + 1)
  let kept = at
  const keep = async () => {
    if (at === kept || (await checkpoint?.saveIfRoom(at, network, optimizer, average, stopping)) === false)
      return
    kept = at
  }
  const done: Epoch[] = []
  let firstLoss = Number.NaN
  let largestSample = 0
  let moved = saved !== undefined
  try {
    for (let { epoch } = at; epoch <= epochs && !stopping?.over; epoch++) {
      const started = performance.now()
      const before = at.samples
      const epochSeed = deriveSeed(seed, epoch)
      if (at.steps === 0) network.reseed(epochSeed)
      const first = (epoch - 1) * steps
      // Of a pass whose steps are not known, each epoch has one rate.
      const rates = Number.isFinite(steps)
        ? Float64Array.from(
            { length: steps },
            (_, i) => spec.lr * rateFactor(schedule, first + i, epochs * steps, steps),
          )
        : Float64Array.of(spec.lr * rateFactor(schedule, epoch - 1, epochs, 1))
      const masks = splicing && { splicing: await splicing.plan(first, steps, epochs * steps) }
      let over = at.steps === steps
      while (!over) {
        const from = at
        const result = await explained(samples.maker, () =>
          runStoppable(
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
                  loss,
                  accumulate,
                  clipNorm: clipGradients?.norm ?? 0,
                  clipValue: clipGradients?.value ?? 0,
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
          ),
        )
        if (result === undefined) throw signal?.reason
        if (Number.isNaN(firstLoss)) firstLoss = result.firstLoss
        largestSample = Math.max(largestSample, result.largestSample)
        if (result.broken) {
          throw causeOfBreakdown({
            epoch,
            result: { ...result, broken: result.broken },
            firstLoss,
            largestSample,
            moved: moved || result.steps > from.steps,
            lr: rates[Math.max(0, Math.min(result.steps, rates.length) - 1)]!,
            optimizer: spec,
            regularization,
          })
        }
        moved ||= result.steps > from.steps
        if (result.splicing) splicing?.done(result.splicing)
        at = { ...result, epoch }
        over = result.over
        signal?.throwIfAborted()
        if (!over) await keep()
      }
      if (epoch === epochs) await average?.settle(dataset, { batchSize, dropLast, autocast }, signal)
      const seconds = (performance.now() - started) / 1000
      const checked = validation && (await measure(network, validation, { loss, autocast, signal }))
      if (checked) await stopping?.note(epoch, checked)
      const meanLoss = at.lossSum / at.lossCount
      const event: Epoch = {
        epoch,
        epochs,
        lr: rates.at(-1)!,
        loss: meanLoss,
        trainError: at.judged > 0 ? percentWrong(at.correct, at.judged) : meanLoss,
        ...(checked && { validationError: checked.error, validation: checked }),
        seconds,
        samplesPerSecond: (at.samples - before) / seconds,
      }
      done.push(event)
      at = beginningOf(epoch + 1)
      yield event
    }
    if (stopping && at.epoch <= epochs + 1 && !(saved && saved.position.epoch > epochs)) {
      await stopping.restore()
      at = beginningOf(epochs + 1)
    }
    await keep()
  } catch (error) {
    // Whoever aborts relies on what is saved.
    if (signal?.aborted && error === signal.reason && at !== kept) {
      await checkpoint?.save(at, network, optimizer, average, stopping)
    }
    throw error
  }
  const { epoch, value } = stopping?.state ?? { epoch: 0, value: 0 }
  return { epochs: done, ...(epoch > 0 && { best: { epoch, value } }) }
}
