import { refuse } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { path as pathKind } from '../base/kind.js'
import { readOptions } from '../base/option.js'
import { type AnyNetwork, networkKind } from './any_network.js'
import { Network } from './network.js'
import { type NetworkOptions, networkOptions } from './network_options.js'
import { readGraph } from './stored_graph.js'
import { type LoadedWeights, loadWeights as loadInto } from './weights_file.js'
import { type WeightsOptions, weightsOptions } from './zeros.js'

export interface LoadOptions extends NetworkOptions, WeightsOptions {}

/**
 * Loads a network from a safetensors file that `save()` wrote, or a coded file: its graph, parameters, masks, and
 * which weights share a value. Its layers have names of type `string`.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that is damaged, or has no layer graph.
 */
export async function loadNetwork(path: string, options: LoadOptions = {}): Promise<Network> {
  const { mask, seed, device } = readOptions('loadNetwork', { ...networkOptions, ...weightsOptions }, options)
  const graph = await readGraph(pathKind.read(path, 'loadNetwork: path'))
  if (graph === undefined) throw refuse(path, 'it holds no layer graph', fixes.noGraph)
  const network = Network.toLoad(graph.inputShape, graph.layers, { seed, device })
  await loadInto(network, path, { mask })
  return network
}

/**
 * Loads parameters, buffers, masks and shared values from a safetensors or coded file, or from a state dict that
 * torch.save wrote. Masks are next to their weights (`fc1.weight_mask`), or as torch.nn.utils.prune stores them
 * (`fc1.weight_orig`). A prefix that all names share is removed. Everything is checked first, so a file that does not
 * fit leaves the network unchanged.
 *
 * @throws TorchPruneError `ERR_FILE` naming the first tensors that are missing, unexpected, or do not fit.
 */
export async function loadWeights(
  network: AnyNetwork,
  path: string,
  options: WeightsOptions = {},
): Promise<LoadedWeights> {
  networkKind.read(network, 'loadWeights: network')
  return loadInto(network, pathKind.read(path, 'loadWeights: path'), options)
}
