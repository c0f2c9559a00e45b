import { TorchPruneError } from '../base/errors.js'
import { type Job, telling } from '../base/job.js'
import { readOptions } from '../base/option.js'
import type { Dataset } from '../data/dataset.js'
import { datasetKind } from '../data/splits.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import type { LayerKinds, LayerName } from '../nn/graph.js'
import { checkSettings, checkTrainingSet } from './check.js'
import { epochsOf } from './epochs.js'
import { networkJob } from './lease.js'
import { DEFAULT_LOSS } from './losses.js'
import { type TrainOptions, trainOptions } from './options.js'
import type { TrainProgress } from './progress.js'
import { checkTargets } from './samples.js'
import type { Epoch, Training, TrainResult } from './training.js'

/**
 * Trains a network off the event loop, by cross-entropy or another `loss`. Training begins at once. You can await the
 * result, or iterate over the epochs. Frozen layers do not change, and pruned weights stay pruned.
 *
 * Whatever can be known to be wrong is refused before the first step: shapes, labels, batches, NaN in weights or
 * samples, paths that cannot be written.
 *
 * @throws TorchPruneError synchronously, before there is a job: `ERR_ARGUMENT` or `ERR_SHAPE` for wrong arguments. Any
 * other error rejects the job: `ERR_BUSY` for a network in use; `ERR_ARGUMENT` for weights or samples that are NaN or
 * infinite; `ERR_TORCH`, naming the cause, if numbers become NaN or infinite during training, whose last step is then
 * not taken; the signal's reason if training is aborted, after its current step; `ERR_FILE` for a checkpoint of another
 * training.
 */
export function train<K extends LayerKinds>(
  network: AnyNetwork & { readonly kinds: K },
  dataset: Dataset,
  options: TrainOptions<LayerName<K>>,
): Job<Epoch, TrainResult, TrainProgress> {
  return startTraining(
    networkKind.read(network, 'train: network'),
    datasetKind.read(dataset, 'train: dataset'),
    readOptions('train', trainOptions, options),
  )
}

/** `train()` with options that are already checked. */
export function startTraining(
  network: AnyNetwork,
  dataset: Dataset,
  options: Training,
): Job<Epoch, TrainResult, TrainProgress> {
  if (options.averaging && options.splicing) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'masks that change leave no weights to average: splice first, then train to an average',
    )
  }
  if (options.checkpoint && options.splicing) {
    throw new TorchPruneError('ERR_ARGUMENT', 'splicing keeps no checkpoint within an epoch: leave it out')
  }
  if (options.earlyStopping && !options.validation) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'earlyStopping watches the validation set: give validation, such as a part of dataset.split(1000)',
    )
  }
  const sizes = checkSettings(network, options)
  checkTrainingSet(network, dataset, options, sizes)
  if (options.validation)
    checkTargets(network, options.validation, options.loss ?? DEFAULT_LOSS, 'the validation set')
  return networkJob(
    'train()',
    network,
    { datasets: [dataset, options.validation], teacher: options.distillation?.teacher },
    (signal, report) =>
      epochsOf(
        network,
        dataset,
        { ...options, signal, onProgress: telling(report, options.onProgress) },
        sizes,
      ),
    options.signal,
  )
}
