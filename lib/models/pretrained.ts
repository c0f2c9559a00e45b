import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { inputError, refuse } from '../base/files.js'
import { readOptions } from '../base/option.js'
import { unknownName } from '../base/spelling.js'
import { PACKAGE } from '../install/home.js'
import { loadWeights } from '../nn/load.js'
import { type NetworkOptions, networkOptions } from '../nn/network_options.js'
import { MODELS } from './all.js'
import { pretrainedNames } from './pretrained_names.js'

/** The name of a model of which a finished network comes with the package. */
export type PretrainedName = (typeof pretrainedNames)[number]

/** A network of that name, whose layers have their own names. */
export type PretrainedNetwork<Name extends PretrainedName> = ReturnType<(typeof MODELS)[Name]>

/** Where a network that comes with the package is from, and how good it is: what the record of its run says. */
export interface PretrainedInfo {
  /** The recipe and the seed of the run that made it. */
  readonly recipe: string
  readonly seed: number
  /** The size of its coded file, and four bytes for each dense parameter, divided by that. */
  readonly bytes: number
  readonly ratio: number
  /** The error on the test set of the network that the file holds, in percent. */
  readonly top1Error: number
  /** Weights and biases without pruning, and how many of them are kept: weights, and the biases of live neurons. */
  readonly parameters: number
  readonly kept: number
  /** The ratio of the two. */
  readonly compression: number
}

const count = z.int().min(0)
const infoSchema: z.ZodType<PretrainedInfo> = z.object({
  recipe: z.string(),
  seed: count,
  bytes: count,
  ratio: z.number(),
  top1Error: z.number(),
  parameters: count,
  kept: count,
  compression: z.number(),
})

/**
 * Loads a finished network that comes with the package: pruned, with weights that share values, and the names of its
 * layers in its type. `'lenet-300-100'` takes what `data.mnist()` returns.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a name of which there is none.
 */
export async function pretrained<Name extends PretrainedName>(
  name: Name,
  options: NetworkOptions = {},
): Promise<PretrainedNetwork<Name>> {
  const path = pathOf(name, 'tpz')
  const network = MODELS[name](readOptions('pretrained', networkOptions, options))
  try {
    await loadWeights(network, path)
  } catch (error) {
    network.dispose()
    throw error
  }
  // Which one it is, the compiler cannot tell from a name that stands for any of them.
  return network as unknown as PretrainedNetwork<Name>
}

/**
 * Says where a network that comes with the package is from, and how good it is.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a name of which there is none.
 */
export async function pretrainedInfo(name: PretrainedName): Promise<PretrainedInfo> {
  const path = pathOf(name, 'json')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw inputError(path, cause)
  })
  try {
    return infoSchema.parse(JSON.parse(text))
  } catch {
    return refuse(path, 'is damaged', 'install torch-prune again')
  }
}

function pathOf(name: PretrainedName, ending: string): string {
  const known = pretrainedNames.some((one) => one === name)
  if (!known) throw unknownName('network in the package', name, pretrainedNames)
  return join(PACKAGE, 'networks', `${name}.${ending}`)
}
