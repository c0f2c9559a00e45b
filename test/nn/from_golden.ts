import type { Layers } from '../../lib/nn/graph.js'
import { layerKind } from '../../lib/nn/layer_kind.js'
import { kinds } from '../../lib/nn/layers/all.js'

/** A layer as scripts/reference/graph.py writes it. */
export interface GoldenLayer {
  readonly name: string
  readonly kind: string
  readonly inputs?: readonly string[]
  readonly [option: string]: unknown
}

/** The layers that a fixture describes, as a user would write them. */
export function layersFrom(described: readonly GoldenLayer[]): Layers {
  return Object.fromEntries(described.map((layer) => [layer.name, layerFrom(layer)]))
}

function layerFrom({ name, kind, inputs, ...options }: GoldenLayer) {
  const several = 'several' in (kinds[kind as keyof typeof kinds] ?? {})
  const from = several || inputs === undefined ? inputs : inputs[0]
  return layerKind.read({ kind, ...options, ...(from !== undefined && { from }) }, `layer '${name}'`)
}
