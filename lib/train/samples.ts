import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import type { Loss } from './losses.js'

/** Throws unless the network takes the samples of `dataset`. `name` is what the error calls the dataset. */
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

/** Throws unless a loss can compare the network's outputs with the dataset's targets: shapes, dtype, range. */
export function checkTargets(network: AnyNetwork, dataset: Dataset, loss: Loss, name = 'the dataset'): void {
  checkSamples(network, dataset, name)
  loadAddon().lossCheck(loss, network.nodes.at(-1)!.shape, dataset.handle, name)
}
