import { TorchPruneError } from '../errors.js'
import type { Network, NetworkOptions } from '../nn/network.js'
import { lenet5 } from './lenet5.js'
import { lenet300100 } from './lenet300100.js'

/** Models by the names that the command line takes. */
const MODELS = {
  'lenet-300-100': lenet300100,
  'lenet-5': lenet5,
} satisfies Record<string, (options?: NetworkOptions) => unknown>

export type ModelName = keyof typeof MODELS
export const modelNames = Object.keys(MODELS) as ModelName[]

/** A model by name; the names of its layers have type `string`. Throws `ERR_ARGUMENT` for an unknown one. */
export function createModel(name: string, options: NetworkOptions = {}): Network {
  if (!Object.hasOwn(MODELS, name)) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `there is no model '${name}': use one of ${modelNames.join(', ')}`,
    )
  }
  return MODELS[name as ModelName](options) as unknown as Network
}
