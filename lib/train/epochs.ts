import { checksum } from '../base/checksum.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { graphToJson } from '../nn/stored_graph.js'
import { TrainingCheckpoint } from './checkpoint.js'
import { checkTeacherValues } from './distillation.js'
import { measure } from './evaluate.js'
import { identityOf, traitsOf } from './identity.js'
import { percentWrong } from './metrics.js'
import { checkValues, checkWeights } from './numbers.js'
import { DEFAULT_BATCH_SIZE } from './options.js'
import { checkOptimizer } from './parts.js'
import type { ImageSize } from './progressive.js'
import { Trainer } from './trainer.js'
import type { Epoch, Training, TrainResult } from './training.js'

/** The work of `train()`: yields each epoch that is over. `sizes` has one for each, where images are resized. */
export async function* epochsOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: Training,
  sizes?: readonly (ImageSize | undefined)[],
): AsyncGenerator<Epoch, TrainResult, void> {
  const { epochs, signal } = options
  using trainer = await trainerOf(network, dataset, options, sizes)
  const { stopping } = trainer.state()
  const done: Epoch[] = []
  try {
    while (trainer.epoch <= epochs && !stopping?.over) {
      const epoch = await oneEpoch(trainer, network, dataset, options)
      if (epoch.validation) await stopping?.note(epoch.epoch, epoch.validation)
      done.push(epoch)
      trainer.begin(epoch.epoch + 1)
      yield epoch
    }
    if (stopping) {
      await stopping.restore()
      trainer.begin(epochs + 1)
    }
    await trainer.save()
  } catch (error) {
    // Whoever aborts relies on what is saved.
    if (signal?.aborted && error === signal.reason) await trainer.save(true)
    // What was wrong first is what counts.
    else await trainer.settle().catch(() => {})
    throw error
  } finally {
    await trainer.settle()
  }
  const { epoch, value } = stopping?.state ?? { epoch: 0, value: 0 }
  return { epochs: done, ...(epoch > 0 && { best: { epoch, value } }) }
}

/** Checks what only shows once the network is owned, and makes the trainer, where its checkpoint says. */
async function trainerOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: Training,
  sizes: readonly (ImageSize | undefined)[] | undefined,
): Promise<Trainer> {
  const { validation, distillation, memoryFormat, group, signal } = options
  const identity = (options.checkpoint || group) && (await identityOf(network, dataset, options, signal))
  if (group && identity) await group.compare({ network: graphOf(network), ...traitsOf(identity) }, signal)
  const checkpoint = options.checkpoint && identity && new TrainingCheckpoint(options.checkpoint, identity)
  checkOptimizer(network, options)
  await checkpoint?.checkPlace()
  if (!(await checkpoint?.found())) await checkWeights(network, signal)
  await checkValues(dataset, 'the training set', signal)
  if (validation) await checkValues(validation, 'the validation set', signal)
  if (distillation) await checkTeacherValues(distillation.teacher, signal)
  const saved = await checkpoint?.restore(network)
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  const trainer = await Trainer.of(network, dataset, options, { sizes, checkpoint, sparse: saved?.sparse })
  try {
    if (saved) await trainer.load(saved)
    const { epoch, steps } = trainer.position
    await group?.compare({ checkpoint: `epoch ${epoch}, step ${steps}` }, signal)
    return trainer
  } catch (error) {
    trainer[Symbol.dispose]()
    throw error
  }
}

const graphOf = (network: AnyNetwork) => checksum(JSON.stringify(graphToJson(network)))

/** Trains for the rest of the epoch that the trainer is in, and measures it. */
async function oneEpoch(
  trainer: Trainer,
  network: AnyNetwork,
  dataset: Dataset,
  options: Training,
): Promise<Epoch> {
  const {
    epochs,
    batchSize = DEFAULT_BATCH_SIZE,
    dropLast = false,
    validation,
    loss,
    autocast,
    group,
    signal,
  } = options
  const { epoch } = trainer
  const { average } = trainer.state()
  const started = performance.now()
  const { samples: before } = trainer.position
  const { rates } = await trainer.plan()
  while (!trainer.epochDone) {
    await trainer.run()
    if (!trainer.epochDone) await trainer.pause()
  }
  if (epoch === epochs) await average?.settle(dataset, { batchSize, dropLast, autocast }, signal)
  const seconds = (performance.now() - started) / 1000
  const measured = validation && (await measure(network, validation, { loss, autocast, signal }))
  // What follows from it must be the same in all processes, whatever their processors round.
  const checked = group ? await group.ofFirst(measured, signal) : measured
  const { samples, lossSum, lossCount, judged, correct } = trainer.position
  const meanLoss = lossSum / lossCount
  return {
    epoch,
    epochs,
    lr: rates.at(-1)!,
    loss: meanLoss,
    trainError: judged > 0 ? percentWrong(correct, judged) : meanLoss,
    ...(checked && { validationError: checked.error, validation: checked }),
    seconds,
    samplesPerSecond: (samples - before) / seconds,
    ...(trainer.capture && { capture: trainer.capture }),
    ...(trainer.sparse?.length && { sparse: trainer.sparse }),
  }
}
