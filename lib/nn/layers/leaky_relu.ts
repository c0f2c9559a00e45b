import { number } from '../../base/kind.js'
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
import { activation } from './parts/pass.js'

const tables = {
  of: {},
  options: {
    /**
     * What negative values are multiplied by.
     * @default 0.01
     */
    negativeSlope: optional(number(), 0.01),
  },
}

export interface LeakyReluOptions extends OptionsOf<typeof tables.options> {}

export interface LeakyReluLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'leakyRelu'
}

/** `x` where it is 0 or more, and `negativeSlope · x` elsewhere. */
export function leakyRelu<const F extends Source = never, Source extends string = string>(
  options?: From<F> & LeakyReluOptions,
): LeakyReluLayer<Carried<F, Source>> {
  return described('leakyRelu', tables, {}, options)
}

export default {
  ...activation<LeakyReluLayer>((value, { negativeSlope }) => (value < 0 ? negativeSlope * value : value)),
  table: tableOf(tables),
  onnx: ({ negativeSlope }, { inputs }) => op('LeakyRelu', inputs, { alpha: float(negativeSlope) }),
} satisfies LayerKind<LeakyReluLayer>
