import { words } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import { tensor } from '../../tensor/from.js'
import { scope } from '../../tensor/scope.js'
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
import { passing } from './parts/pass.js'

const tables = {
  of: {},
  options: {
    /**
     * `'tanh'` takes a tangent for the error function, as some published networks do.
     * @default 'none'
     */
    approximate: optional(words('none', 'tanh'), 'none'),
  },
}

export interface GeluOptions extends OptionsOf<typeof tables.options> {}

export interface GeluLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'gelu'
}

/** `x · Φ(x)`, with the distribution function of the normal distribution (Hendrycks and Gimpel 2016). */
export function gelu<const F extends Source = never, Source extends string = string>(
  options?: From<F> & GeluOptions,
): GeluLayer<Carried<F, Source>> {
  return described('gelu', tables, {}, options)
}

export default {
  ...passing,
  table: tableOf(tables),
  nonLinear: true,
  constants: ({ approximate }, [input]) =>
    scope(() => {
      // JavaScript has no error function.
      const values = tensor([...input], { dtype: 'float64' }).gelu({ approximate })
      return Float64Array.from(values.toArray() as number[])
    }),
  onnx: ({ approximate }, { inputs }) => op('Gelu', inputs, { approximate }),
} satisfies LayerKind<GeluLayer>
