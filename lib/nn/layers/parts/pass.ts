import type { Shape } from '../../../tensor/shape.js'
import type { AnyLayer, Constants, LayerKind } from './kind.js'

/** What kinds share whose output has the shape, the channels and the constants of their input. */
export const passing = {
  shape: (_layer: AnyLayer, [input]: readonly [Shape, ...Shape[]]): Shape => input,
  channels: () => ({ flow: 'passes' }) as const,
  constants: (_layer: AnyLayer, [input]: readonly [Constants, ...Constants[]]): Constants => input,
} satisfies Partial<LayerKind>

/** What activations share: the same function of every value. */
export function activation<L extends AnyLayer>(of: (value: number, layer: L) => number) {
  return {
    ...passing,
    nonLinear: true,
    constants: (layer: L, [input]: readonly [Constants, ...Constants[]]): Constants =>
      input.map((value) => of(value, layer)),
  } as const satisfies Partial<LayerKind<L>>
}

/** Constants of a layer whose 0 stays 0, while other values depend on what is around them. */
export function onlyZeros(input: Constants): Constants {
  return input.map((value) => (value === 0 ? 0 : Number.NaN))
}

/** Constants where none is left. */
export function noConstants(length: number): Constants {
  return new Float64Array(length).fill(Number.NaN)
}
