import { createModel, modelNames } from '../models/registry.js'
import { loadNetwork } from '../nn/load.js'
import type { Network } from '../nn/network.js'
import { loadWeights } from '../nn/weights_file.js'
import { findRecipe } from '../recipes/registry.js'

/**
 * The network of a file: of ours by the graph in it, of others by the name of a model or recipe.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that does not fit, `ERR_ARGUMENT` for a name that is not known.
 */
export async function openNetwork(file: string, model: string | undefined): Promise<Network> {
  if (model === undefined) return loadNetwork(file)
  const known = modelNames.some((name) => name === model)
  const network = known
    ? createModel(model)
    : ((await findRecipe(model, 'model', modelNames)).model({}) as Network)
  try {
    await loadWeights(network, file)
  } catch (error) {
    network.dispose()
    throw error
  }
  return network
}
