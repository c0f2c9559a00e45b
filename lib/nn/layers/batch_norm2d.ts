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
import { float, op } from './parts/onnx.js'
import { count, epsilon, share } from './parts/options.js'
import { image } from './parts/windows.js'

const tables = {
  of: { features: count },
  options: {
    /**
     * Added to the variance.
     * @default 1e-5
     */
    eps: optional(epsilon, 1e-5),
    /**
     * Share of a batch's statistics in the running ones.
     * @default 0.1
     */
    momentum: optional(share, 0.1),
  },
}

export interface BatchNorm2dOptions extends OptionsOf<typeof tables.options> {}

export interface BatchNorm2dLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'batchNorm2d'
}

/** Batch normalization over channels, `[N, features, H, W]`; PyTorch's defaults. */
export function batchNorm2d<const F extends Source = never, Source extends string = string>(
  features: number,
  options?: From<F> & BatchNorm2dOptions,
): BatchNorm2dLayer<Carried<F, Source>> {
  return described('batchNorm2d', tables, { features }, options)
}

const perChannel = ({ features }: BatchNorm2dLayer) => [features]

export default {
  table: tableOf(tables),
  shape(layer, [input], refuse) {
    if (image(input, refuse)[0] !== layer.features) throw refuse(`${layer.features} channels`)
    return input
  },
  parameters: { weight: perChannel, bias: perChannel },
  buffers: { running_mean: perChannel, running_var: perChannel, num_batches_tracked: () => [] },
  phase: () => 'conv',
  channels: () => ({ flow: 'passes', each: true }),
  resize: (layer, _side, by) => ({ ...layer, features: layer.features + by }),
  constants({ eps }, [input], own) {
    const [weight, bias] = [own.numbers('weight')!, own.numbers('bias')!]
    const [mean, variance] = [own.numbers('running_mean')!, own.numbers('running_var')!]
    return input.map((value, c) => {
      const scale = weight[c]! / Math.sqrt(variance[c]! + eps)
      return scale * value + (bias[c]! - scale * mean[c]!)
    })
  },
  onnx({ eps }, { inputs, own }) {
    const tensors = ['weight', 'bias', 'running_mean', 'running_var'].map(own)
    return op('BatchNormalization', [...inputs, ...tensors], { epsilon: float(eps) })
  },
  normalizesBatches: true,
} satisfies LayerKind<BatchNorm2dLayer>
