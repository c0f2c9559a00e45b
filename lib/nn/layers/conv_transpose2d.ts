import { TorchPruneError } from '../../base/errors.js'
import { product } from '../../base/lists.js'
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
import { image } from './parts/windows.js'

const tables = {
  of: { inChannels: count, outChannels: count, kernelSize: size(1) },
  options: {
    /**
     * Steps in the output from one place of the input to the next.
     * @default 1
     */
    stride: optional(size(1), [1, 1]),
    /**
     * Rows and columns that are left out around the output.
     * @default 0
     */
    padding: optional(size(0), [0, 0]),
    /**
     * Rows and columns that the output has more at its end: less than `stride` or `dilation`.
     * @default 0
     */
    outputPadding: optional(size(0), [0, 0]),
    ...groups,
    ...bias,
    /** @default 1 */
    dilation: optional(size(1), [1, 1]),
  },
}

export interface ConvTranspose2dOptions extends OptionsOf<typeof tables.options> {}

export interface ConvTranspose2dLayer<From extends string = string>
  extends Reads<From>,
    MadeOf<typeof tables> {
  readonly kind: 'convTranspose2d'
}

/**
 * A transposed convolution, which enlarges images: `[N, inChannels, H, W]` to `[N, outChannels, H', W']` with
 * `H' = (H - 1) · stride - 2 · padding + dilation · (kH - 1) + outputPadding + 1`.
 * Parameters: `weight [inChannels, outChannels / groups, kH, kW]`, `bias [outChannels]`.
 */
export function convTranspose2d<const F extends Source = never, Source extends string = string>(
  inChannels: number,
  outChannels: number,
  kernelSize: Size2,
  options?: From<F> & ConvTranspose2dOptions,
): ConvTranspose2dLayer<Carried<F, Source>> {
  const sizes = { inChannels, outChannels, kernelSize }
  const layer = described('convTranspose2d', tables, sizes, options)
  check(layer, 'convTranspose2d')
  return layer
}

function check(layer: ConvTranspose2dLayer, name: string): void {
  checkGroups(layer, name)
  const { outputPadding, stride, dilation } = layer
  if (outputPadding.every((more, axis) => more < Math.max(stride[axis]!, dilation[axis]!))) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name}: outputPadding must be less than stride or dilation, got ${outputPadding.join(' and ')}`,
  )
}

export default {
  ...convolution,
  table: tableOf(tables),
  check,
  shape(layer, [input], refuse) {
    const [channels, height, width] = image(input, refuse)
    if (channels !== layer.inChannels) throw refuse(`${layer.inChannels} channels`)
    const { kernelSize, stride, padding, outputPadding, dilation } = layer
    const along = (axis: 0 | 1, size: number) =>
      (size - 1) * stride[axis] -
      2 * padding[axis] +
      dilation[axis] * (kernelSize[axis] - 1) +
      outputPadding[axis] +
      1
    const [h, w] = [along(0, height), along(1, width)]
    if (h < 1 || w < 1) throw refuse('an input of which its padding leaves something')
    return [layer.outChannels, h, w]
  },
  parameters: {
    ...convolution.parameters,
    weight: ({ inChannels, outChannels, groups, kernelSize }) => [
      inChannels,
      outChannels / groups,
      ...kernelSize,
    ],
  },
  connections: {
    ...convolution.connections,
    inputsFirst: true,
    places: (input) => product(input.slice(1)),
    // Each pixel of the output sees other elements of the kernel.
    folds: () => false,
  },
  resize: resized<ConvTranspose2dLayer>,
  onnx(layer, { inputs, own }) {
    const { groups, outputPadding } = layer
    const attributes = { ...windowOf(layer), group: groups, output_padding: outputPadding }
    return op('ConvTranspose', [...inputs, own('weight'), own('bias')], attributes)
  },
} satisfies LayerKind<ConvTranspose2dLayer>
