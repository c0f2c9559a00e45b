import { append, deriveSeed } from '../../lib/internal.js'

/** The first `length` indices of a sequence of epochs over `samples` samples, each epoch shuffled by the seed. */
export function shuffledOrder(samples: number, length: number, seed: number): number[] {
  const order: number[] = []
  for (let epoch = 0; order.length < length; epoch++) {
    const indices = Array.from({ length: samples }, (_, i) => i)
    for (let i = samples - 1; i > 0; i--) {
      const j = deriveSeed(seed, epoch, i) % (i + 1)
      ;[indices[i], indices[j]] = [indices[j]!, indices[i]!]
    }
    append(order, indices.slice(0, length - order.length))
  }
  return order
}
