import { TorchPruneError } from '../../base/errors.js'
import { boolean } from '../../base/kind.js'
import { optional } from '../../base/option.js'
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
import { count, epsilon } from './parts/options.js'
import { noConstants } from './parts/pass.js'

const tables = {
  of: { numGroups: count, numChannels: count },
  options: {
    /**
     * Added to the variance.
     * @default 1e-5
     */
    eps: optional(epsilon, 1e-5),
    /**
     * Whether it has a weight and a bias for each channel.
     * @default true
     */
    affine: optional(boolean, true),
  },
}

export interface GroupNormOptions extends OptionsOf<typeof tables.options> {}

export interface GroupNormLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'groupNorm'
}

/**
 * Normalizes each sample over groups of its channels (Wu and He 2018), `[N, numChannels, ...]`; PyTorch's defaults.
 * Parameters: `weight [numChannels]`, `bias [numChannels]`.
 */
export function groupNorm<const F extends Source = never, Source extends string = string>(
  numGroups: number,
  numChannels: number,
  options?: From<F> & GroupNormOptions,
): GroupNormLayer<Carried<F, Source>> {
  const layer = described('groupNorm', tables, { numGroups, numChannels }, options)
  check(layer, 'groupNorm')
  return layer
}

function check({ numGroups, numChannels }: GroupNormLayer, name: string): void {
  if (numChannels % numGroups === 0) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name}: ${numGroups} groups do not divide ${numChannels} channels evenly`,
  )
}

const perChannel = ({ affine, numChannels }: GroupNormLayer) => (affine ? [numChannels] : undefined)

export default {
  table: tableOf(tables),
  check,
  shape({ numGroups, numChannels }, [input], refuse) {
    if (input[0] !== numChannels) throw refuse(`${numChannels} channels`)
    if (input.length === 1 && numGroups === numChannels) {
      throw refuse('more than one value in a group, such as an image')
    }
    return input
  },
  parameters: { weight: perChannel, bias: perChannel },
  phase: () => 'conv',
  channels: ({ numGroups, numChannels }) => ({
    flow: 'passes',
    each: true,
    fixed: numGroups === numChannels ? undefined : 'normalized',
  }),
  reach({ numGroups, numChannels }, channel) {
    const size = numChannels / numGroups
    const first = channel - (channel % size)
    return [first, first + size]
  },
  // Of groups of one channel alone.
  resize: (layer, _side, by) => ({
    ...layer,
    numGroups: layer.numGroups + by,
    numChannels: layer.numChannels + by,
  }),
  constants: (_layer, [input]) => noConstants(input.length),
  onnx({ numGroups, numChannels, eps }, { inputs, own }) {
    const weight = own('weight') ?? filled('weight', 1, [numChannels])
    const bias = own('bias') ?? filled('bias', 0, [numChannels])
    const attributes = { num_groups: numGroups, epsilon: float(eps) }
    return op('GroupNormalization', [...inputs, weight, bias], attributes)
  },
} satisfies LayerKind<GroupNormLayer>
