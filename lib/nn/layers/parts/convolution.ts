import { TorchPruneError } from '../../../base/errors.js'
import { product } from '../../../base/lists.js'
import { optional } from '../../../base/option.js'
import type { Shape } from '../../../tensor/shape.js'
import { biasesOf } from './connections.js'
import type { AnyLayer, Channels, ConnectionKind, Constants, OwnValues } from './kind.js'
import { count, type Pair } from './options.js'

export const groups = {
  /**
   * Channels are split into this many groups that do not see each other.
   * @default 1
   */
  groups: optional(count, 1),
}

/** What convolutions of any dimensions have. */
export interface Convolution extends AnyLayer {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: number | Pair
  readonly padding: number | Pair
  readonly groups: number
  readonly bias: boolean
}

/** Throws where the channels of a convolution do not come in its groups. */
export function checkGroups({ groups, inChannels, outChannels }: Convolution, name: string): void {
  if (inChannels % groups === 0 && outChannels % groups === 0) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name}: ${groups} groups divide neither evenly: ${inChannels} channels in, ${outChannels} out`,
  )
}

/** Whether each channel has a filter of its own, and there is one for each. */
function isDepthwise({ groups, inChannels, outChannels }: Convolution): boolean {
  return groups > 1 && groups === inChannels && groups === outChannels
}

/** What convolutions share, whichever dimension of their weight comes first. */
export const convolution = {
  check: checkGroups,
  parameters: {
    weight: (layer: Convolution): Shape => [
      layer.outChannels,
      layer.inChannels / layer.groups,
      ...[layer.kernelSize].flat(),
    ],
    bias: ({ bias, outChannels }: Convolution): Shape | undefined => (bias ? [outChannels] : undefined),
  },
  connections: {
    kind: 'conv',
    groups: ({ groups }: Convolution) => groups,
    places: (_input: Shape, output: Shape) => product(output.slice(1)),
    // At the border, padding takes the place of the constant.
    folds: ({ padding }: Convolution) => [padding].flat().every((zeros) => zeros === 0),
  },
  phase: (): ConnectionKind => 'conv',
  channels(layer: Convolution): Channels {
    if (isDepthwise(layer)) return { flow: 'passes', each: true }
    return { flow: 'mixes', blocks: layer.groups }
  },
  constants(layer: Convolution, [input]: readonly [Constants, ...Constants[]], own: OwnValues): Constants {
    const constants = biasesOf(own)
    if (!isDepthwise(layer)) return constants
    const weight = own.numbers('weight')!
    const bias = own.numbers('bias')
    const size = weight.length / layer.outChannels
    return constants.map((constant, channel) => {
      const value = input[channel]!
      if (!Number.isNaN(constant) || Number.isNaN(value)) return constant
      if (value !== 0 && !this.connections.folds(layer)) return Number.NaN
      const sum = weight.slice(channel * size, (channel + 1) * size).reduce((all, each) => all + each, 0)
      return value * sum + (bias?.[channel] ?? 0)
    })
  },
} as const

/** A convolution with so many more channels on a side, or on both where it is depthwise. */
export function resized<L extends Convolution>(layer: L, side: 'in' | 'out' | 'both', by: number): L {
  const { inChannels, outChannels, groups } = layer
  return {
    ...layer,
    inChannels: side === 'out' ? inChannels : inChannels + by,
    outChannels: side === 'in' ? outChannels : outChannels + by,
    groups: side === 'both' ? groups + by : groups,
  }
}
