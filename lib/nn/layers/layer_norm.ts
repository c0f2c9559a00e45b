import { list } from '../../base/collection.js'
import { anyOf, boolean, type Kind } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import type { Shape } from '../../tensor/shape.js'
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
import { filled, float, op } from './parts/onnx.js'
import { bias, count, epsilon } from './parts/options.js'
import { noConstants } from './parts/pass.js'

const eitherShape = anyOf(count, list(count, 'an array of sizes', 1))
const shape: Kind<Shape, number | Shape> = {
  ...eitherShape,
  read: (value, name) => [eitherShape.read(value, name)].flat(),
}

const tables = {
  of: { normalizedShape: shape },
  options: {
    /**
     * Added to the variance.
     * @default 1e-5
     */
    eps: optional(epsilon, 1e-5),
    /**
     * Whether it has a weight (and a bias) for each element.
     * @default true
     */
    elementwiseAffine: optional(boolean, true),
    ...bias,
  },
}

export interface LayerNormOptions extends OptionsOf<typeof tables.options> {}

export interface LayerNormLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'layerNorm'
}

/**
 * Normalizes each sample over its last dimensions, those of `normalizedShape` (Ba et al. 2016); PyTorch's defaults.
 * Parameters: `weight` and `bias` of that shape.
 */
export function layerNorm<const F extends Source = never, Source extends string = string>(
  normalizedShape: number | readonly number[],
  options?: From<F> & LayerNormOptions,
): LayerNormLayer<Carried<F, Source>> {
  return described('layerNorm', tables, { normalizedShape }, options)
}

/** Whether channels are normalized together, and not the pixels of each alone. */
function overChannels({ normalizedShape }: LayerNormLayer, input: Shape): boolean {
  return normalizedShape.length === input.length
}

export default {
  table: tableOf(tables),
  shape({ normalizedShape }, [input], refuse) {
    const last = input.slice(-normalizedShape.length)
    if (last.join() !== normalizedShape.join()) {
      throw refuse(`last sizes of [${normalizedShape.join(', ')}]`)
    }
    return input
  },
  parameters: {
    weight: ({ elementwiseAffine, normalizedShape }) => (elementwiseAffine ? normalizedShape : undefined),
    bias: ({ elementwiseAffine, bias, normalizedShape }) =>
      elementwiseAffine && bias ? normalizedShape : undefined,
  },
  phase: ({ normalizedShape }) => (normalizedShape.length === 1 ? 'fc' : 'conv'),
  channels(layer, input) {
    return overChannels(layer, input)
      ? { flow: 'passes', each: true, fixed: 'normalized' }
      : { flow: 'passes' }
  },
  reach: (layer, channel, input) => (overChannels(layer, input) ? [0, input[0]!] : [channel, channel + 1]),
  constants: (_layer, [input]) => noConstants(input.length),
  onnx({ normalizedShape, eps }, { inputs, own }) {
    const weight = own('weight') ?? filled('weight', 1, normalizedShape)
    // ONNX can do without a bias, but onnxruntime 1.18 cannot.
    const bias = own('bias') ?? filled('bias', 0, normalizedShape)
    const attributes = { axis: -normalizedShape.length, epsilon: float(eps) }
    return op('LayerNormalization', [...inputs, weight, bias], attributes)
  },
} satisfies LayerKind<LayerNormLayer>
