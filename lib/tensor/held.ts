/**
 * Tensors that are disposed of together: `using held = new HeldTensors()`. It is for async work, which `scope()` does
 * not cover.
 */
export class HeldTensors {
  readonly #tensors: Disposable[] = []

  /** Adds a tensor, or what has tensors itself, and returns it. */
  use<T extends Disposable>(tensor: T): T {
    this.#tensors.push(tensor)
    return tensor
  }

  /** Does work that ends with tensors for its caller to dispose of; if it fails, they are disposed of here. */
  async filling<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors) tensor[Symbol.dispose]()
  }
}
