import type { Constants, OwnValues } from './kind.js'

/** Constants of a layer with connections: a neuron that nothing leads into puts out its bias. */
export function biasesOf(own: OwnValues): Constants {
  const bias = own.numbers('bias')
  return Float64Array.from(own.alive(), (alive, channel) => (alive ? Number.NaN : (bias?.[channel] ?? 0)))
}
