import type { Tensor } from './tensor.js'

/** Tensors that go together: `using held = new HeldTensors()`, for work that awaits, where `scope()` does not reach. */
export class HeldTensors {
  readonly #tensors: Tensor[] = []

  /** Takes a tensor in, and returns it. */
  use<T extends Tensor>(tensor: T): T {
    this.#tensors.push(tensor)
    return tensor
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors) tensor.dispose()
  }
}
