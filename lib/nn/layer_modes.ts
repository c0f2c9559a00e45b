import { TorchPruneError } from '../base/errors.js'
import { shown } from '../base/shown.js'
import { loadAddon } from '../binding/addon.js'
import type { NetworkHandle } from '../binding/native.js'
import type { Node } from './graph.js'
import { kindOf } from './layer_kind.js'

/** How the layers of a network behave: which of them are frozen, and the rates of those that drop values. */
export class LayerModes {
  readonly #frozen = new Set<string>()
  readonly #dropout = new Map<string, number>()

  constructor(nodes: readonly Node[]) {
    for (const { name, layer } of nodes) {
      const p = kindOf(layer).dropped?.(layer)
      if (p !== undefined) this.#dropout.set(name, p)
    }
  }

  get frozen(): readonly string[] {
    return [...this.#frozen]
  }

  setTrainable(handle: NetworkHandle, layer: string, trainable: boolean): void {
    loadAddon().networkSetTrainable(handle, layer, trainable)
    if (trainable) this.#frozen.delete(layer)
    else this.#frozen.add(layer)
  }

  dropout(layer: string): number {
    const p = this.#dropout.get(layer)
    if (p === undefined) {
      throw new TorchPruneError('ERR_ARGUMENT', `layer ${shown(layer)} is not a dropout layer`)
    }
    return p
  }

  setDropout(handle: NetworkHandle, layer: string, p: number): void {
    loadAddon().networkSetDropout(handle, layer, p)
    this.#dropout.set(layer, p)
  }

  /** Sets them in a new network of the same layers. */
  apply(handle: NetworkHandle): void {
    for (const layer of this.#frozen) loadAddon().networkSetTrainable(handle, layer, false)
    for (const [layer, p] of this.#dropout) loadAddon().networkSetDropout(handle, layer, p)
  }
}
