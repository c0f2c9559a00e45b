import { resolve } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { createModel, modelNames } from '../models/index.js'
import { loadNetwork } from '../nn/load.js'
import type { Network } from '../nn/network.js'
import { loadWeights } from '../nn/weights_file.js'
import { makeNetwork } from '../recipes/model.js'
import { findRecipe } from '../recipes/registry.js'
import type { MaskOption } from './options.js'

/** What the names of files end with that are not safetensors. */
export const ENDINGS = { coded: '.tpz', onnx: '.onnx' } as const

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

/** Refuses to write the file that is read. */
export function refuseInput(out: string, file: string): void {
  if (resolve(out) === resolve(file)) {
    throw new TorchPruneError('ERR_OUTPUT', `${out} is the network that is read: choose another --out`)
  }
}

/** Refuses to write safetensors under the name of another format. */
export function refuseOtherEnding(out: string): void {
  const ending = Object.values(ENDINGS).find((other) => out.endsWith(other))
  if (ending === undefined) return
  const fix = 'end its name with .safetensors, or write other formats by export --format'
  throw new TorchPruneError('ERR_ARGUMENT', `--out ${out}: what is written is safetensors; ${fix}`)
}
