import { optional } from '../../base/option.js'
import { checkGroups, convolution, groups, resized } from './parts/convolution.js'
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
import { op, windowOf } from './parts/onnx.js'
import { bias, count, type Size2, size } from './parts/options.js'
import { image, slide } from './parts/windows.js'

const tables = {
  of: { inChannels: count, outChannels: count, kernelSize: size(1) },
  options: {
    /** @default 1 */
    stride: optional(size(1), [1, 1]),
    /**
     * Zeros around the image.
     * @default 0
     */
    padding: optional(size(0), [0, 0]),
    /** @default 1 */
    dilation: optional(size(1), [1, 1]),
    ...groups,
    ...bias,
  },
}

export interface Conv2dOptions extends OptionsOf<typeof tables.options> {}

export interface Conv2dLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'conv2d'
}

/**
 * A convolution, `[N, inChannels, H, W]` to `[N, outChannels, H', W']`.
 * Parameters: `weight [outChannels, inChannels / groups, kH, kW]`, `bias [outChannels]`.
 */
export function conv2d<const F extends Source = never, Source extends string = string>(
  inChannels: number,
  outChannels: number,
  kernelSize: Size2,
  options?: From<F> & Conv2dOptions,
): Conv2dLayer<Carried<F, Source>> {
  const layer = described('conv2d', tables, { inChannels, outChannels, kernelSize }, options)
  checkGroups(layer, 'conv2d')
  return layer
}

export default {
  ...convolution,
  table: tableOf(tables),
  shape(layer, [input], refuse) {
    const [channels, height, width] = image(input, refuse)
    if (channels !== layer.inChannels) throw refuse(`${layer.inChannels} channels`)
    const [h, w] = slide([height, width], layer)
    if (h < 1 || w < 1) throw refuse('an input at least as large as its kernel')
    return [layer.outChannels, h, w]
  },
  resize: resized<Conv2dLayer>,
  onnx: (layer, { inputs, own }) =>
    op('Conv', [...inputs, own('weight'), own('bias')], { ...windowOf(layer), group: layer.groups }),
} satisfies LayerKind<Conv2dLayer>
