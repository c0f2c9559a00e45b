import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import type { WeightHolder } from './weight_holder.js'

/** What 8 bits tell apart: the most that Deep Compression gives a layer. */
const FEW = 256
/** The most that an index has room for. */
const ANY = 32767

/**
 * Lets the kept weights of masked layers share their values again: wherever they have few enough of them to tell that
 * they were shared. Each value that occurs becomes one of the codebook, in ascending order; the weights stay as they
 * are, bit for bit.
 */
export async function shareFewValues(network: WeightHolder): Promise<void> {
  await shareEqual(network, network.prunable, FEW)
}

/** Numbers the values that weights share in ascending order, and makes those one that have become equal. */
export async function sortShared(network: WeightHolder, layers: Iterable<string>): Promise<void> {
  await shareEqual(network, layers, ANY)
}

async function shareEqual(network: WeightHolder, layers: Iterable<string>, values: number): Promise<void> {
  const list = Array.from(layers, (layer) => ({ name: `${layer}.weight`, values }))
  await runJob(() => loadAddon().quantizeEqual(network.handle, list))
}
