import { isObject } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { boolean, kind } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { mayBeMissing } from '../formats/foreign.js'
import { type TensorPieces, toPieces } from '../tensor/bytes.js'
import { HeldTensors } from '../tensor/held.js'
import { Tensor } from '../tensor/tensor.js'
import { besideWhat } from './beside.js'
import type { WeightHolder } from './weight_holder.js'
import { putWeights } from './weights_file.js'

export const loadStateOptions = {
  /**
   * Whether to refuse missing and unexpected keys; otherwise, tensors whose keys are missing stay as they are.
   * @default true
   */
  strict: optional(boolean, true),
}

export interface LoadStateOptions extends OptionsOf<typeof loadStateOptions> {}

export const stateKind = kind<Readonly<Record<string, Tensor>>>(
  'an object of tensors by name',
  (value) => isObject(value) && Object.values(value).every((each) => each instanceof Tensor),
)

/** The keys that a state dict lacks, and those that nothing in the network has. */
export interface StateKeys {
  readonly missingKeys: readonly string[]
  readonly unexpectedKeys: readonly string[]
}

/** Loads tensors by name, as `Network.loadStateDict()` does. */
export async function putState(
  network: WeightHolder,
  state: Readonly<Record<string, Tensor>>,
  strict: boolean,
): Promise<StateKeys> {
  const names: readonly string[] = network.tensorNames()
  const own = new Set(names)
  const plain = (name: string) => besideWhat(name).replace(/_orig$/, '')
  const has = (name: string) => Object.hasOwn(state, name) || Object.hasOwn(state, `${name}_orig`)
  const missingKeys = names.filter((name) => !has(name) && !mayBeMissing(name))
  const unexpectedKeys = Object.keys(state).filter((name) => !own.has(name) && !own.has(plain(name)))
  using held = new HeldTensors()
  const tensors = new Map<string, TensorPieces>()
  for (const [name, values] of Object.entries(state)) {
    if (strict || !unexpectedKeys.includes(name)) tensors.set(name, toPieces(values))
  }
  if (!strict) {
    for (const [name, values] of await network.snapshot(missingKeys)) {
      tensors.set(name, toPieces(held.use(values)))
    }
  }
  try {
    await putWeights(network, { metadata: {}, tensors }, 'loadStateDict')
  } catch (error) {
    if (!(error instanceof TorchPruneError) || error.code !== 'ERR_FILE') throw error
    throw new TorchPruneError('ERR_ARGUMENT', error.message, { cause: error })
  }
  return { missingKeys, unexpectedKeys }
}
