import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/network.js'

/** Throws unless `dataset` holds samples that the network takes. `name` is what a message calls it. */
export function checkSamples(network: AnyNetwork, dataset: Dataset, name = 'the dataset'): void {
  if (!(dataset instanceof Dataset)) {
    const splits = typeof dataset === 'object' && dataset !== null && 'train' in dataset
    const mend = splits ? ', got several: name one of them, such as data.train' : ''
    throw new TorchPruneError('ERR_ARGUMENT', `${name} must be a Dataset${mend}`)
  }
  if (network.inputShape.join() === dataset.sampleShape.join()) return
  throw new TorchPruneError(
    'ERR_SHAPE',
    `the network takes samples of shape [${network.inputShape.join(', ')}], ${name} holds [${dataset.sampleShape.join(', ')}]`,
  )
}

/** Throws unless the network also has an output for each of the dataset's labels. */
export function checkLabelled(network: AnyNetwork, dataset: Dataset, name = 'the dataset'): void {
  checkSamples(network, dataset, name)
  const classes = classesOf(network)
  const largest = loadAddon().datasetLargestLabel(dataset.handle)
  if (largest < classes) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name} has a label ${largest}, the network has outputs for ${classes} classes: give it one for each`,
  )
}

/** How many classes a network tells apart. Throws `ERR_SHAPE` where its output is no vector. */
export function classesOf(network: AnyNetwork, name = 'the network'): number {
  const shape = network.nodes.at(-1)!.shape
  if (shape.length === 1) return shape[0]!
  throw new TorchPruneError(
    'ERR_SHAPE',
    `the output of ${name} must be [classes] for each sample, got [${shape.join(', ')}]: end it with flatten() and linear()`,
  )
}
