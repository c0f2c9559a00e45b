import type { Node } from '../graph.js'
import { kindOf } from '../layer_kind.js'
import type { Constants, OwnValues } from '../layers/parts/kind.js'

export type { Constants } from '../layers/parts/kind.js'

/**
 * Which channels of each layer's output are constant: a neuron without incoming connections puts out its bias,
 * and what follows makes another constant of that.
 *
 * @param values what each layer's parameters hold
 */
export function constantOutputs(
  inputChannels: number,
  nodes: readonly Node[],
  values: (layer: string) => OwnValues,
): Map<string, Constants> {
  const constants = new Map<string, Constants>([['input', new Float64Array(inputChannels).fill(Number.NaN)]])
  for (const { name, layer, inputs } of nodes) {
    const [first, ...others] = inputs.map((input) => constants.get(input)!)
    constants.set(name, kindOf(layer).constants(layer, [first!, ...others], values(name)))
  }
  return constants
}

/** Whether a constant that enters a layer adds the same to each of its outputs' pixels. */
export function foldsExactly({ layer }: Node, constant: number): boolean {
  if (Number.isNaN(constant)) return false
  return constant === 0 || (kindOf(layer).connections?.folds(layer) ?? false)
}
