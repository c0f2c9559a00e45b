import { whole } from '../base/kind.js'
import { loadAddon } from '../binding/addon.js'
import { tensorKind } from './core.js'
import { Tensor } from './tensor.js'

/**
 * Seeds libtorch's default generators, which all eager random operators draw from, as `torch.manual_seed` does. They
 * belong to the process: worker threads share them. Networks and jobs have generators of their own.
 */
export function manualSeed(seed: number): void {
  loadAddon().manualSeed(whole().read(seed, 'manualSeed: seed'))
}

/** The state of the CPU's generator, to be passed to `setRngState`. */
export function getRngState(): Tensor<'uint8'> {
  return Tensor.wrap(loadAddon().randomState())
}

/** Restores the CPU's generator to a state from `getRngState`. */
export function setRngState(state: Tensor<'uint8'>): void {
  loadAddon().setRandomState(tensorKind.read(state, 'setRngState: state').handleFor('setRngState'))
}
