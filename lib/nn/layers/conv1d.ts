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
import { bias, count, zeros } from './parts/options.js'
import { positions } from './parts/windows.js'

const tables = {
  of: { inChannels: count, outChannels: count, kernelSize: count },
  options: {
    /** @default 1 */
    stride: optional(count, 1),
    /**
     * Zeros at both ends of the sequence.
     * @default 0
     */
    padding: optional(zeros, 0),
    /** @default 1 */
    dilation: optional(count, 1),
    ...groups,
    ...bias,
  },
}

export interface Conv1dOptions extends OptionsOf<typeof tables.options> {}

export interface Conv1dLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'conv1d'
}

/**
 * A convolution along a sequence, `[N, inChannels, L]` to `[N, outChannels, L']`.
 * Parameters: `weight [outChannels, inChannels / groups, k]`, `bias [outChannels]`.
 */
export function conv1d<const F extends Source = never, Source extends string = string>(
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  options?: From<F> & Conv1dOptions,
): Conv1dLayer<Carried<F, Source>> {
  const layer = described('conv1d', tables, { inChannels, outChannels, kernelSize }, options)
  checkGroups(layer, 'conv1d')
  return layer
}

export default {
  ...convolution,
  table: tableOf(tables),
  shape(layer, [input], refuse) {
    const [channels, length] = input
    if (input.length !== 2) throw refuse('[channels, length]')
    if (channels !== layer.inChannels) throw refuse(`${layer.inChannels} channels`)
    const places = positions(length!, { ...layer, kernel: layer.kernelSize })
    if (places < 1) throw refuse('an input at least as long as its kernel')
    return [layer.outChannels, places]
  },
  resize: resized<Conv1dLayer>,
  onnx: (layer, { inputs, own }) =>
    op('Conv', [...inputs, own('weight'), own('bias')], { ...windowOf(layer), group: layer.groups }),
} satisfies LayerKind<Conv1dLayer>
