import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { type Size2, size } from './parts/options.js'
import { passing } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = { of: { outputSize: size(1) }, options: {} }

export interface AdaptiveAvgPool2dLayer<From extends string = string>
  extends Reads<From>,
    MadeOf<typeof tables> {
  readonly kind: 'adaptiveAvgPool2d'
}

/** Mean over as many windows as give the output size. */
export function adaptiveAvgPool2d<const F extends Source = never, Source extends string = string>(
  outputSize: Size2,
  options?: From<F>,
): AdaptiveAvgPool2dLayer<Carried<F, Source>> {
  return described('adaptiveAvgPool2d', tables, { outputSize }, options)
}

export default {
  ...passing,
  table: tableOf(tables),
  shape: ({ outputSize }, [input], refuse) => [image(input, refuse)[0], ...outputSize],
} satisfies LayerKind<AdaptiveAvgPool2dLayer>
