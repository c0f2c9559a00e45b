import { boolean } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { op, windowOf } from './parts/onnx.js'
import { type Size2, size } from './parts/options.js'
import { passing } from './parts/pass.js'
import { type Pool, pool, pooledShape, pooling, stride } from './parts/pooling.js'

const tables = {
  of: { kernelSize: size(1) },
  options: {
    ...pool,
    /**
     * Rounds output sizes up.
     * @default false
     */
    ceilMode: optional(boolean, false),
  },
}

export interface MaxPool2dOptions extends OptionsOf<typeof tables.options> {}

export interface MaxPool2dLayer<From extends string = string> extends Reads<From>, Pool {
  readonly kind: 'maxPool2d'
  readonly ceilMode: boolean
}

/** Maximum over windows; `stride` defaults to the window's size. */
export function maxPool2d<const F extends Source = never, Source extends string = string>(
  kernelSize: Size2,
  options?: From<F> & MaxPool2dOptions,
): MaxPool2dLayer<Carried<F, Source>> {
  return pooling(described('maxPool2d', tables, { kernelSize }, options))
}

export default {
  ...passing,
  table: { ...tableOf(tables), stride },
  shape: (layer, [input], refuse) => pooledShape(layer, input, refuse),
  onnx(layer, { inputs, inputShape, shape }) {
    if (!layer.ceilMode) return op('MaxPool', inputs, windowOf(layer))
    // Runtimes disagree on ONNX's own rounding up, so the last window is padded as far as it reaches.
    const { kernelSize, stride, padding } = layer
    const reach = (axis: 0 | 1) => (shape[axis + 1]! - 1) * stride[axis] + kernelSize[axis] - padding[axis]
    const after = (axis: 0 | 1) => Math.max(0, reach(axis) - inputShape[axis + 1]!)
    return op('MaxPool', inputs, windowOf({ ...layer, paddingAfter: [after(0), after(1)] }))
  },
} satisfies LayerKind<MaxPool2dLayer>
