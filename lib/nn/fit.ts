import type { DType } from '../base/dtype.js'
import { quoted, refuse } from '../base/files.js'
import { fixes } from '../base/fixes.js'
import { mayBeMissing } from '../formats/foreign.js'
import { CODEBOOK, INDEX, MASK } from './beside.js'
import type { WeightHolder } from './weight_holder.js'

/** What is stored of a tensor, without its data. */
interface Stored {
  readonly dtype: DType
  readonly shape: readonly number[]
}

/** How many names of a kind one line gives. */
const NAMED = 3

/**
 * Checks that tensors are those of a network: its parameters, its buffers (counts of batches may be missing), and what
 * stands beside weights: masks, and shared values with their index.
 *
 * @throws TorchPruneError `ERR_FILE`: one line with the first names that are missing, left over, or do not fit.
 */
export function checkFit(network: WeightHolder, tensors: ReadonlyMap<string, Stored>, path: string): void {
  const held = new Map<string, Stored>(network.tensorShapes())
  const names = [...held.keys()]
  const weights = network.prunable.map((layer) => `${layer}.weight`)
  const besides = new Set(weights.flatMap((name) => [name + MASK, name + INDEX, name + CODEBOOK]))
  const missing = names.filter((name) => !tensors.has(name) && !mayBeMissing(name))
  const own = new Set(names)
  const extra = [...tensors.keys()].filter((name) => !own.has(name) && !besides.has(name))
  const misfits: string[] = []
  const check = (name: string, own: Stored, ...dtypes: DType[]) => {
    const stored = tensors.get(name)
    const misfit = stored && misfitOf(own, stored, dtypes)
    if (misfit !== undefined) misfits.push(`tensor ${quoted(name)} ${misfit}`)
  }
  for (const name of names) check(name, held.get(name)!)
  for (const name of weights) {
    check(name + MASK, held.get(name)!, 'uint8', 'bool')
    check(name + INDEX, held.get(name)!, 'uint8', 'int16')
    const codebook = tensors.get(name + CODEBOOK)
    if (tensors.has(name + INDEX) !== (codebook !== undefined)) {
      missing.push(name + (codebook ? INDEX : CODEBOOK))
    }
    if (codebook && codebook.shape.length !== 1) misfits.push(`tensor ${quoted(name + CODEBOOK)} is no list`)
    check(name + CODEBOOK, { dtype: 'float32', shape: codebook?.shape ?? [] }, 'float32')
  }
  const wrong = [
    ...about(missing, 'is missing', 'are missing'),
    ...about(extra, 'belongs to no layer of the network', 'belong to no layer of the network'),
    ...misfits.slice(0, 1),
  ]
  if (wrong.length === 0) return
  const others = misfits.length > 1 ? ` (and ${misfits.length - 1} more that do not fit)` : ''
  refuse(path, `${wrong.join(', ')}${others}`, fixes.otherNetwork)
}

function misfitOf(own: Stored, stored: Stored, dtypes: readonly DType[]): string | undefined {
  if (own.shape.join() !== stored.shape.join()) {
    return `has shape [${stored.shape.join(', ')}], the network's has [${own.shape.join(', ')}]`
  }
  const floating = (type: DType) => type.includes('float')
  const fits =
    dtypes.length > 0 ? dtypes.includes(stored.dtype) : floating(stored.dtype) === floating(own.dtype)
  return fits ? undefined : `is ${stored.dtype}, expected ${dtypes[0] ?? own.dtype}`
}

/** `tensors "a", "b", "c" and 5 more are missing` */
function about(names: readonly string[], is: string, are: string): string[] {
  if (names.length === 0) return []
  if (names.length === 1) return [`tensor ${quoted(names[0]!)} ${is}`]
  const shown = names.slice(0, NAMED).map(quoted)
  const last = names.length > NAMED ? `${names.length - NAMED} more` : shown.pop()!
  return [`tensors ${shown.join(', ')} and ${last} ${are}`]
}
