import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { constant, op, windowOf } from './parts/onnx.js'
import { type Pair, type Size2, size } from './parts/options.js'
import { passing } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = { of: { outputSize: size(1) }, options: {} }

export interface AdaptiveAvgPool2dLayer<From extends string = string>
  extends Reads<From>,
    MadeOf<typeof tables> {
  readonly kind: 'adaptiveAvgPool2d'
}

/** Mean over as many windows as give the output size. */
export function adaptiveAvgPool2d<const F extends Source = never, Source extends string = string>(
  outputSize: Size2,
  options?: From<F>,
): AdaptiveAvgPool2dLayer<Carried<F, Source>> {
  return described('adaptiveAvgPool2d', tables, { outputSize }, options)
}

export default {
  ...passing,
  table: tableOf(tables),
  shape: ({ outputSize }, [input], refuse) => [image(input, refuse)[0], ...outputSize],
  onnx({ outputSize }, { inputs: [x], inputShape: [, ...sizes] }) {
    if (outputSize.every((size) => size === 1)) return op('GlobalAveragePool', [x])
    const [height, width] = sizes as [number, number]
    const [rows, columns] = outputSize
    if (height % rows === 0 && width % columns === 0) {
      const kernelSize: Pair = [height / rows, width / columns]
      return op('AveragePool', [x], windowOf({ kernelSize, stride: kernelSize, padding: [0, 0] }))
    }
    // Windows of different sizes: along each side, a product with the share of every place in every mean.
    const down = constant('rows', shares(rows, height).flat(), [rows, height])
    const across = constant('columns', transposed(shares(columns, width)).flat(), [width, columns])
    return op('MatMul', [op('MatMul', [down, x]), across])
  },
} satisfies LayerKind<AdaptiveAvgPool2dLayer>

/** Of each of so many windows along a side, the share that every place has in its mean. */
function shares(windows: number, places: number): number[][] {
  return Array.from({ length: windows }, (_, i) => {
    const from = Math.floor((i * places) / windows)
    const to = Math.ceil(((i + 1) * places) / windows)
    return Array.from({ length: places }, (_, place) => (place >= from && place < to ? 1 / (to - from) : 0))
  })
}

function transposed(rows: readonly (readonly number[])[]): number[][] {
  return rows[0]!.map((_, column) => rows.map((row) => row[column]!))
}
