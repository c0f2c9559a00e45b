import { loadAddon } from '../binding/addon.js'
import type { NetworkHandle } from '../binding/native.js'
import type { Node } from './graph.js'

/** Networks with fewer parameters have their initial weights when they are made. */
const DRAWN_AT_ONCE = 1e6

/** Makes the addon's network from a graph. */
export function makeNative(nodes: readonly Node[], seed: number, device: string): NetworkHandle {
  const specification = nodes.map(({ name, layer, inputs }) => {
    const { from: _from, ...options } = layer
    return { ...options, name, inputs }
  })
  return loadAddon().networkMake(specification, seed, device)
}

/**
 * Draws the initial weights: at once for small networks, and off the event loop for large ones, or, if the network
 * `waits` for weights that are loaded, when something needs them. If drawing fails, so does whatever needs the weights.
 *
 * @returns a promise for the end of a drawing off the event loop
 */
export function drawWeights(
  handle: NetworkHandle,
  parameters: number,
  waits: boolean,
): Promise<void> | undefined {
  if (parameters < DRAWN_AT_ONCE) loadAddon().networkDraw(handle)
  else if (!waits) {
    return loadAddon()
      .networkDrawStart(handle)
      .promise.catch(() => {})
  }
  return undefined
}

/** Hands the random numbers of a network on to the one that takes its place, and frees it. */
export function replaceNative(old: NetworkHandle, by: NetworkHandle): void {
  const native = loadAddon()
  const random = native.networkRandomState(old)
  native.networkSetRandomState(by, random)
  native.tensorDispose(random)
  native.networkDispose(old)
}
