import { createModel, modelNames } from '../models/index.js'
import { loadNetwork } from '../nn/load.js'
import type { Network } from '../nn/network.js'
import { loadWeights } from '../nn/weights_file.js'
import { makeNetwork } from '../recipes/model.js'
import { findRecipe } from '../recipes/registry.js'
import type { MaskOption } from './options.js'

export interface OpenOptions extends MaskOption {
  /** The name of a model or a recipe, for a file that has no layer graph. */
  readonly model?: string
}

/**
 * Loads the network of a file: a file of ours has its graph, others need the name of a model or a recipe.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that does not fit, `ERR_ARGUMENT` for a name that is not known.
 */
export async function openNetwork(file: string, { model, mask }: OpenOptions): Promise<Network> {
  if (model === undefined) return loadNetwork(file, { mask })
  const known = modelNames.some((name) => name === model)
  const network = known
    ? createModel(model)
    : (makeNetwork((await findRecipe(model, 'model', modelNames)).model) as Network)
  try {
    await loadWeights(network, file, { mask })
  } catch (error) {
    network.dispose()
    throw error
  }
  return network
}
