import { fixes } from '../base/fixes.js'
import { readOptions } from '../base/option.js'
import { refuse } from '../io/files.js'
import { loadWeights, readGraph } from '../io/network.js'
import { Network, type NetworkOptions } from './network.js'
import { networkOptions } from './network_options.js'
import { type WeightsOptions, weightsOptions } from './zeros.js'

/**
 * The network that a safetensors file of ours holds: graph, parameters, masks. Its names have type `string`.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that is not whole, or holds no layer graph.
 */
export async function loadNetwork(
  path: string,
  options: NetworkOptions & WeightsOptions = {},
): Promise<Network> {
  const { mask, seed, device } = readOptions('loadNetwork', { ...networkOptions, ...weightsOptions }, options)
  const graph = await readGraph(path)
  if (graph === undefined) throw refuse(path, 'it holds no layer graph', fixes.noGraph)
  const network = new Network(graph.inputShape, graph.layers, { seed, device })
  await loadWeights(network, path, { mask })
  return network
}
