import { unknownName } from '../base/spelling.js'
import type { Network } from '../nn/network.js'
import { MODELS } from './all.js'
import type { HiddenOptions, SizeOptions } from './options.js'

/** The functions that make models, by name. */
export type Models = typeof MODELS
/** The name of a model. */
export type ModelName = keyof Models
/** The names of all models. */
export const modelNames = (Object.keys(MODELS) as ModelName[]).sort(
  new Intl.Collator('en', { numeric: true }).compare,
)

/** The options of any model. */
export type AnyModelOptions = HiddenOptions & SizeOptions

/**
 * Makes a model by name; the names of its layers have type `string`.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for an unknown name, or for options that the model does not take.
 */
export function createModel(name: string, options: AnyModelOptions = {}): Network {
  if (typeof name !== 'string' || !Object.hasOwn(MODELS, name)) throw unknownName('model', name, modelNames)
  return MODELS[name as ModelName](options) as unknown as Network
}
