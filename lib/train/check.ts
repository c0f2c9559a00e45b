import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { nativeAugmentation } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { parameterCount } from '../nn/cost.js'
import { resolveGraph } from '../nn/graph.js'
import { kindOf } from '../nn/layer_kind.js'
import { checkDistillation, checkTeacher } from './distillation.js'
import { DEFAULT_LOSS } from './losses.js'
import { DEFAULT_BATCH_SIZE, type RetrainOptions, type TrainOptions } from './options.js'
import { checkCache } from './prefix.js'
import { type ImageSize, progressiveSizes } from './progressive.js'
import { checkTargets } from './samples.js'

/** The settings of a training, in `train()` or in a round of `prune()`. */
export interface TrainSettings extends RetrainOptions {
  readonly seed?: number | undefined
}

/**
 * Throws for settings that cannot work on a network, before anything is changed. `frozen` has the layers that will not
 * train. Returns the size of images in each epoch, if they are resized.
 */
export function checkSettings(
  network: AnyNetwork,
  settings: TrainSettings,
  frozen: readonly string[] = network.frozen,
): readonly (ImageSize | undefined)[] | undefined {
  nativeAugmentation(settings.augment)
  checkCache(settings)
  checkScaled(network, settings.lrScale)
  if (settings.distillation) checkDistillation(network, settings.distillation)
  if (network.nodes.every((node) => frozen.includes(node.name) || parameterCount([node]) === 0)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'there is nothing to train: every layer is frozen, or has no parameters',
    )
  }
  if (settings.earlyStopping && settings.averaging) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'earlyStopping ends with the weights of one epoch, averaging with those of many: leave one of them out',
    )
  }
  const { progressiveResizing } = settings
  return progressiveResizing && progressiveSizes(network, settings.epochs, progressiveResizing)
}

/** Throws for factors of the learning rate of layers that do not exist or have no parameters. */
function checkScaled({ nodes }: AnyNetwork, lrScale: TrainSettings['lrScale'] = {}): void {
  const known = nodes.filter((node) => parameterCount([node]) > 0).map(({ name }) => name)
  const unknown = Object.keys(lrScale).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `lrScale names '${unknown}', which is no layer with parameters: the network has ${known.join(', ')}`,
  )
}

/** Throws if a dataset does not fit a network, or these settings. */
export function checkTrainingSet(
  network: AnyNetwork,
  dataset: Dataset,
  settings: TrainSettings,
  sizes?: readonly (ImageSize | undefined)[],
  frozen: readonly string[] = network.frozen,
): void {
  checkTargets(network, dataset, settings.loss ?? DEFAULT_LOSS, 'the training set')
  loadAddon().datasetCheckAugmentation(dataset.handle, nativeAugmentation(settings.augment))
  checkBatches(network, dataset, settings, sizes, frozen)
  const teacher = settings.distillation?.teacher
  if (teacher) checkTeacher(teacher, dataset)
}

/** The number of steps of an epoch; infinite if it is not known. */
export function stepsOf(
  { length, batches }: Dataset,
  { batchSize = DEFAULT_BATCH_SIZE, dropLast = false }: Pick<TrainOptions, 'batchSize' | 'dropLast'>,
): number {
  if (Number.isNaN(length)) return batches ?? Number.POSITIVE_INFINITY
  return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize)
}

function checkBatches(
  network: AnyNetwork,
  dataset: Dataset,
  settings: TrainSettings,
  sizes: readonly (ImageSize | undefined)[] = [],
  frozen: readonly string[],
): void {
  const { batchSize = DEFAULT_BATCH_SIZE, dropLast = false } = settings
  const { length } = dataset
  if (Number.isNaN(length)) {
    checkUnknown(dataset, settings)
    return
  }
  if (stepsOf(dataset, settings) === 0) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `dropLast leaves no batch of ${batchSize} in ${length} samples: lower batchSize, or leave dropLast out`,
    )
  }
  const smallest = dropLast ? batchSize : length % batchSize || batchSize
  if (smallest > 1) return
  const name = loneNormalization(network, sizes, frozen)
  if (name === undefined) return
  const why = `batch normalization '${name}' cannot train on a batch of one sample`
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    batchSize === 1
      ? `${why}: raise batchSize, or freeze '${name}'`
      : `${why}, and ${length} samples in batches of ${batchSize} end with one: set dropLast: true, or another batchSize`,
  )
}

/** Throws for settings that cannot work on batches that simply come one after the other. */
function checkUnknown({ batches }: Dataset, settings: TrainSettings): void {
  const { averaging, distillation, cachePrefix, schedule } = settings
  const needsIndex =
    (averaging && 'averaging') || (distillation && 'distillation') || (cachePrefix && 'cachePrefix')
  if (needsIndex) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${needsIndex} reads samples by index, and batches of your own come in their order: leave it out, or use Dataset.from()`,
    )
  }
  if (batches === undefined && schedule?.kind === 'cosine') {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      'a cosine comes down over all steps, whose number is not known: give fromBatches() how many batches a pass has',
    )
  }
}

/** The first batch normalization in training that gets a single value per channel of a sample. */
function loneNormalization(
  { inputShape, layers, nodes }: AnyNetwork,
  sizes: readonly (ImageSize | undefined)[],
  frozen: readonly string[],
): string | undefined {
  const smaller = sizes.flatMap((size) => (size ? [resolveGraph([inputShape[0]!, ...size], layers)] : []))
  return [nodes, ...smaller]
    .flat()
    .find(
      ({ name, layer, shape }) =>
        kindOf(layer).normalizesBatches &&
        !frozen.includes(name) &&
        shape.slice(1).every((side) => side === 1),
    )?.name
}
