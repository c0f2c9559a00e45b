import { biasesOf } from './parts/connections.js'
import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { op } from './parts/onnx.js'
import { bias, count } from './parts/options.js'

const tables = { of: { inFeatures: count, outFeatures: count }, options: bias }

export interface LinearOptions extends OptionsOf<typeof tables.options> {}

export interface LinearLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'linear'
}

/**
 * A fully connected layer, `[N, inFeatures]` to `[N, outFeatures]`.
 * Parameters: `weight [outFeatures, inFeatures]`, `bias [outFeatures]`.
 */
export function linear<const F extends Source = never, Source extends string = string>(
  inFeatures: number,
  outFeatures: number,
  options?: From<F> & LinearOptions,
): LinearLayer<Carried<F, Source>> {
  return described('linear', tables, { inFeatures, outFeatures }, options)
}

export default {
  table: tableOf(tables),
  shape(layer, [input], refuse) {
    if (input.length !== 1 || input[0] !== layer.inFeatures) {
      throw refuse(`[${layer.inFeatures}]${input.length > 1 ? ' (put a flatten() before it)' : ''}`)
    }
    return [layer.outFeatures]
  },
  parameters: {
    weight: ({ inFeatures, outFeatures }) => [outFeatures, inFeatures],
    bias: ({ bias, outFeatures }) => (bias ? [outFeatures] : undefined),
  },
  connections: { kind: 'fc', groups: () => 1, places: () => 1, folds: () => true },
  phase: () => 'fc',
  channels: () => ({ flow: 'mixes' }),
  resize(layer, side, by) {
    const { inFeatures, outFeatures } = layer
    return side === 'in'
      ? { ...layer, inFeatures: inFeatures + by }
      : { ...layer, outFeatures: outFeatures + by }
  },
  constants: (_layer, _inputs, own) => biasesOf(own),
  onnx: (_layer, { inputs, own }) => op('Gemm', [...inputs, own('weight'), own('bias')], { transB: 1 }),
} satisfies LayerKind<LinearLayer>
