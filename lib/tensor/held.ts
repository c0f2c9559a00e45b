import type { Tensor } from './tensor.js'

/**
 * Tensors that are disposed of together: `using held = new HeldTensors()`. It is for async work, which `scope()` does
 * not cover.
 */
export class HeldTensors {
  readonly #tensors: Tensor[] = []

  /** Adds a tensor and returns it. */
  use<T extends Tensor>(tensor: T): T {
    this.#tensors.push(tensor)
    return tensor
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors) tensor.dispose()
  }
}
