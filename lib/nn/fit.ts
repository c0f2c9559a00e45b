import type { DType } from '../base/dtype.js'
import { quoted, refuse } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { mayBeMissing } from '../formats/foreign.js'
import type { WeightHolder } from './weight_holder.js'

/** What is stored of a tensor, without its data. */
interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
}

/** How many names of a kind one line gives. */
const NAMED = 3

/**
 * Checks that tensors are those of a network: its parameters, its buffers (counts of batches may be missing), and masks
 * under `maskOf` their weights.
 *
 * @throws TorchPruneError `ERR_FILE`: one line with the first names that are missing, left over, or do not fit.
 */
export function checkFit(
  network: WeightHolder,
  tensors: ReadonlyMap<string, Stored>,
  maskOf: (weight: string) => string,
  path: string,
): void {
  const held = new Map<string, Stored>(network.tensorShapes())
  const names = [...held.keys()]
  const masks = new Map(network.prunable.map((layer) => [maskOf(`${layer}.weight`), `${layer}.weight`]))
  const missing = names.filter((name) => !tensors.has(name) && !mayBeMissing(name))
  const own = new Set(names)
  const extra = [...tensors.keys()].filter((name) => !own.has(name) && !masks.has(name))
  const misfits: string[] = []
  const check = (name: string, of: string, dtype?: DType) => {
    const stored = tensors.get(name)
    const misfit = stored && misfitOf(held.get(of)!, stored, dtype)
    if (misfit !== undefined) misfits.push(`tensor ${quoted(name)} ${misfit}`)
  }
  for (const name of names) check(name, name)
  for (const [mask, weight] of masks) check(mask, weight, 'uint8')
  const wrong = [
    ...about(missing, 'is missing', 'are missing'),
    ...about(extra, 'belongs to no layer of the network', 'belong to no layer of the network'),
    ...misfits.slice(0, 1),
  ]
  if (wrong.length === 0) return
  const others = misfits.length > 1 ? ` (and ${misfits.length - 1} more that do not fit)` : ''
  refuse(path, `${wrong.join(', ')}${others}`, fixes.otherNetwork)
}

function misfitOf(own: Stored, stored: Stored, dtype?: DType): string | undefined {
  if (own.shape.join() !== stored.shape.join()) {
    return `has shape [${stored.shape.join(', ')}], the network's has [${own.shape.join(', ')}]`
  }
  const floating = (type: DType) => type.includes('float')
  const fits = dtype
    ? stored.dtype === dtype || stored.dtype === 'bool'
    : floating(stored.dtype) === floating(own.dtype)
  return fits ? undefined : `is ${stored.dtype}, expected ${dtype ?? own.dtype}`
}

/** `tensors "a", "b", "c" and 5 more are missing` */
function about(names: readonly string[], is: string, are: string): string[] {
  if (names.length === 0) return []
  if (names.length === 1) return [`tensor ${quoted(names[0]!)} ${is}`]
  const shown = names.slice(0, NAMED).map(quoted)
  const last = names.length > NAMED ? `${names.length - NAMED} more` : shown.pop()!
  return [`tensors ${shown.join(', ')} and ${last} ${are}`]
}
