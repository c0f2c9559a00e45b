import { made, type Table } from '../base/option.js'
import * as tables from './layer_options.js'
import { checkGroups } from './layer_options.js'
import type { Layer } from './layers.js'

/** A layer of a network as a value: made by a function above, or plain data of the same form. */
export const layerKind = made<Layer>({
  kinds: {
    linear: whole(tables.linear),
    conv2d: whole(tables.conv2d),
    batchNorm2d: whole(tables.batchNorm2d),
    relu: whole(tables.plain),
    maxPool2d: { ...whole(tables.maxPool2d), stride: tables.stride },
    avgPool2d: { ...whole(tables.avgPool2d), stride: tables.stride },
    adaptiveAvgPool2d: whole(tables.adaptiveAvgPool2d),
    localResponseNorm: whole(tables.localResponseNorm),
    flatten: whole(tables.plain),
    dropout: whole(tables.dropout),
    add: tables.add,
  },
  makers: ['linear(784, 300)', 'conv2d(1, 20, 5)', 'relu()', 'another layer function'],
  check: (layer, name) => {
    if (layer.kind === 'conv2d') checkGroups(layer, name)
  },
})

/** All properties of a kind of layer, in the order in which they are written to files. */
function whole({ of, options }: tables.LayerTables): Table {
  return { ...of, ...options, ...tables.from }
}
