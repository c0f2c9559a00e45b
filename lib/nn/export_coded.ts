import { words } from '../base/kind.js'
import { refuseReading } from '../base/lease.js'
import { type OptionsOf, optional } from '../base/option.js'
import type { GraphInfo } from '../coded/description.js'
import { type ToCode, writeCoded } from '../formats/coded/write.js'
import { HeldTensors } from '../tensor/held.js'
import { besideWhat, MASK } from './beside.js'
import { stateOf } from './state.js'
import { graphToJson } from './stored_graph.js'
import type { WeightHolder } from './weight_holder.js'

/** How weights are coded. */
export const codedOptions = {
  /**
   * How weights are coded in a `.tpz` file. `'compact'`: as small as possible. `'huffman'`: as Deep Compression (Han, Mao
   * and Dally 2016) stores networks; larger by a tenth, and decoded ten times as fast.
   * @default 'compact'
   */
  profile: optional(words('compact', 'huffman'), 'compact'),
}

/** Options of `Network.export()`. */
export interface ExportOptions extends OptionsOf<typeof codedOptions> {}

/** Writes a network, as it is now, as a coded file. */
export async function exportCoded(
  network: WeightHolder,
  path: string,
  profile: 'compact' | 'huffman',
): Promise<void> {
  refuseReading(network)
  using held = new HeldTensors()
  const state = await stateOf(network, 'weight_mask')
  for (const tensor of state.values()) held.use(tensor)
  // Masks, and the index of shared values, which readers find by the values themselves.
  const weights = new Set(network.prunable.map((layer) => `${layer}.weight`))
  const isBeside = (name: string) => besideWhat(name) !== name && weights.has(besideWhat(name))
  const tensors = new Map<string, ToCode>()
  for (const [name, values] of state) {
    if (!isBeside(name)) tensors.set(name, { values, keep: state.get(name + MASK) as ToCode['keep'] })
  }
  await writeCoded(path, { graph: graphToJson(network) as GraphInfo, tensors }, profile)
}
