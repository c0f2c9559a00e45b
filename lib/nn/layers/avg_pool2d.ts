import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { op, wholes, windowOf } from './parts/onnx.js'
import { type Size2, size } from './parts/options.js'
import { onlyZeros, passing } from './parts/pass.js'
import { type Pool, pool, pooledShape, pooling, stride } from './parts/pooling.js'

const tables = { of: { kernelSize: size(1) }, options: pool }

export interface AvgPool2dOptions extends OptionsOf<typeof tables.options> {}

export interface AvgPool2dLayer<From extends string = string> extends Reads<From>, Pool {
  readonly kind: 'avgPool2d'
}

/** Mean over windows; `stride` defaults to the window's size. */
export function avgPool2d<const F extends Source = never, Source extends string = string>(
  kernelSize: Size2,
  options?: From<F> & AvgPool2dOptions,
): AvgPool2dLayer<Carried<F, Source>> {
  return pooling(described('avgPool2d', tables, { kernelSize }, options))
}

export default {
  ...passing,
  table: { ...tableOf(tables), stride },
  shape: (layer, [input], refuse) => pooledShape(layer, input, refuse),
  // Padding mixes zeros in, at the border alone.
  constants: ({ padding }, [input]) => (padding.some((zeros) => zeros > 0) ? onlyZeros(input) : input),
  onnx(layer, { inputs: [x] }) {
    const [height, width] = layer.padding
    const window = windowOf({ ...layer, padding: [0, 0] })
    if (height === 0 && width === 0) return op('AveragePool', [x], window)
    // Padded apart, since onnxruntime 1.22 to 1.24 counts padded places wrongly.
    const pads = wholes('pads', [0, 0, height, width, 0, 0, height, width])
    return op('AveragePool', [op('Pad', [x, pads])], window)
  },
} satisfies LayerKind<AvgPool2dLayer>
