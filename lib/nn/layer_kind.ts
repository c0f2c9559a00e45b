import { made } from '../base/option.js'
import { kinds } from './layers/all.js'
import type { Layer } from './layers/index.js'
import type { AnyLayer, LayerKind } from './layers/parts/kind.js'

/** What kinds of layers are called. */
export type LayerKindName = keyof typeof kinds

/** Kinds whose weights are connections, and can be pruned. */
export type PrunableKind = {
  [K in keyof typeof kinds]: (typeof kinds)[K] extends { readonly connections: unknown } ? K : never
}[keyof typeof kinds]

/** Kinds that zero some of their input while training. */
export type DroppingKind = {
  [K in keyof typeof kinds]: (typeof kinds)[K] extends { readonly dropped: unknown } ? K : never
}[keyof typeof kinds]

/** The names of parameters and buffers by kind, without that of their layer. */
export type TensorNames = {
  [K in keyof typeof kinds]:
    | ((typeof kinds)[K] extends { readonly parameters: infer Own } ? keyof Own & string : never)
    | ((typeof kinds)[K] extends { readonly buffers: infer Own } ? keyof Own & string : never)
}

/** All that is known of a layer's kind. */
export function kindOf(layer: AnyLayer): LayerKind {
  return kinds[layer.kind as LayerKindName] as unknown as LayerKind
}

/** A layer of a network as a value: made by its function, or plain data of the same form. */
export const layerKind = made<Layer>({
  kinds: Object.fromEntries(Object.entries(kinds).map(([name, { table }]) => [name, table])),
  makers: ['linear(784, 300)', 'conv2d(1, 20, 5)', 'relu()', 'another layer function'],
  check: (layer, name) => kindOf(layer).check?.(layer, name),
})
