import { readOptions } from '../../base/option.js'
import type { Carried, LayerKind } from './parts/kind.js'
import { plainly } from './parts/onnx.js'
import { several } from './parts/options.js'

export interface ConcatLayer<From extends string = string> {
  readonly kind: 'concat'
  readonly from: readonly From[]
}

/** The channels (or features) of layers, one after the other; their other sizes are the same. */
export function concat<const F extends Source, Source extends string = string>(
  ...from: readonly [F, F, ...F[]]
): ConcatLayer<Carried<F, Source>> {
  return { kind: 'concat', ...readOptions('concat', several, { from }) } as ConcatLayer<F>
}

export default {
  table: several,
  several: true,
  shape(_layer, inputs, refuse) {
    if (inputs.length < 2) throw refuse('two inputs or more')
    const [, ...sizes] = inputs[0]
    const other = inputs.find(([, ...own]) => own.join() !== sizes.join())
    if (other !== undefined) {
      throw refuse(`inputs that differ in channels alone, but another has [${other.join(', ')}]`)
    }
    return [inputs.reduce((sum, [channels]) => sum + channels!, 0), ...sizes]
  },
  channels: () => ({ flow: 'concatenates' }),
  constants: (_layer, inputs) => Float64Array.from(inputs.flatMap((input) => [...input])),
  onnx: plainly('Concat', { axis: 1 }),
} satisfies LayerKind<ConcatLayer>
