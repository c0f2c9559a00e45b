import { quoted, refuse } from '../base/files.js'
import { words } from '../base/kind.js'
import { type OptionsOf, optional } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { piecesOfStored, type StoredTensor } from '../tensor/bytes.js'
import type { WeightHolder } from './weight_holder.js'

/** How weights are read from a file. */
export const weightsOptions = {
  /**
   * `'zeros'` seals the weights that are exactly 0: for networks that were pruned elsewhere, whose files have no masks.
   * Without it, such weights count as kept, and training changes them.
   */
  mask: optional(words('zeros')),
}

export interface WeightsOptions extends OptionsOf<typeof weightsOptions> {}

/** The smallest positive float32: any number of a smaller magnitude is 0. */
const SMALLEST = 2 ** -149

/** Seals the kept weights that are exactly 0, and returns the layers that had some. Spliced ones stay as they are. */
export async function sealZeros(network: WeightHolder): Promise<readonly string[]> {
  const spliced: readonly string[] = network.spliced
  const layers = network.prunable.filter((layer) => !spliced.includes(layer))
  const names = layers.map((name) => `${name}.weight`)
  const statistics = await runJob(() => loadAddon().weightStatistics(network.handle, names))
  const some = layers.filter((_, i) => statistics[i]!.zeros > 0)
  const weights = some.map((name) => ({ name: `${name}.weight` }))
  const positive = { kind: 'threshold', thresholds: some.map(() => SMALLEST) } as const
  if (some.length > 0) await runJob(() => loadAddon().pruneSelect(network.handle, weights, positive))
  return some
}

/** Says which layers have many weights that are 0 without a mask, and how to seal them; undefined if none has. */
export function zerosHint(
  layers: readonly { readonly name: string; readonly kept: number; readonly zeros: number }[],
  how: string,
): string | undefined {
  const [first, ...more] = layers
    .filter(({ kept, zeros }) => zeros >= 0.01 * kept && zeros > 0)
    .sort((a, b) => b.zeros - a.zeros)
  if (first === undefined) return undefined
  const others = more.length === 0 ? '' : `, and some of ${more.map(({ name }) => name).join(', ')},`
  const share = Math.round((100 * first.zeros) / first.kept)
  return `${share}% of the kept weights of ${first.name}${others} are zero without a mask: ${how} to seal them`
}

/** Refuses a layer of which no weight would stay, before anything is written. */
export async function refuseAllZero(
  weights: Iterable<string>,
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<void> {
  for (const name of weights) {
    const stored = tensors.get(name)
    if (stored === undefined || !(await isAllZero(stored))) continue
    throw refuse(path, `every weight of ${quoted(name)} is 0`, "load it without { mask: 'zeros' }")
  }
}

async function isAllZero(stored: StoredTensor): Promise<boolean> {
  // The first weight that is not 0 ends the search.
  for await (const piece of piecesOfStored(stored)) {
    if (piece.some((byte) => byte !== 0 && byte !== 0x80)) return false
  }
  return true
}
