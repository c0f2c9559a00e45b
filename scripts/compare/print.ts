import { renderTable } from '../../lib/cli/table.js'
import { MODES, type Mode } from '../network/sides.js'
import type { Comparison, Side } from './comparison.js'
import { lossWords } from './judgment.js'
import { type NetworkComparison, seconds } from './network.js'

/** Prints a comparison for people: the tensors, the masks, how both sides trained, and the verdict. */
export function printComparison(comparison: Comparison): void {
  const { title, losses, tolerance, tensors, masks, ours, theirs, passed } = comparison
  console.log(title)
  const columns = ['tensor', 'elements', 'max|Δ|', 'max|w|', 'ratio', 'identical bits']
  const rows = tensors.map(({ name, elements, most, largest, ratio, identical }) => {
    return [name, elements, scientific(most), largest.toFixed(4), scientific(ratio), identical ? 'yes' : 'no']
  })
  console.log(`${renderTable(columns, rows)}\n`)
  const sideColumns = ['side', 'first loss', 'last loss', 'test error', 'seconds']
  console.log(`${renderTable(sideColumns, [side('ours', ours), side('Python', theirs)])}\n`)

  const same = tensors.filter((tensor) => tensor.identical).length
  const sameMasks = masks.filter((mask) => mask.identical).length
  const kept = masks.map((mask) => `${mask.name} ${mask.kept}`).join(', ')
  const byBits = same === tensors.length
  const within = `max|Δ| ≤ ${scientific(tolerance)} × max|w|, by Python's own spread`
  console.log(`losses: ${lossWords(losses)}`)
  console.log(
    `${passed ? 'PASS' : 'FAIL'} (${byBits ? 'bit for bit' : within}; identical masks): ${same} of ${tensors.length} ` +
      `tensors and ${sameMasks} of ${masks.length} masks identical (kept: ${kept})\n`,
  )
}

function side(name: string, { losses, top1Error, seconds }: Side): string[] {
  const [first, last] = [losses[0]!, losses[losses.length - 1]!]
  return [name, first.toFixed(6), last.toFixed(6), `${top1Error.toFixed(2)}%`, seconds.toFixed(2)]
}

function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1)
}

const TITLES: Readonly<Record<Mode, string>> = {
  ours: 'ours, pruned',
  prune: 'Python, pruned',
  dense: 'Python, dense',
  fused: 'Python, dense, fused SGD',
}

/**
 * Prints the comparison of a large network for people: losses, step times and memory side by side, and the verdicts.
 */
export function printNetwork({ runs, verdicts }: NetworkComparison): void {
  const losses = runs.ours.losses.map((loss, i) => [i + 1, loss.toFixed(6), runs.prune.losses[i]!.toFixed(6)])
  console.log(`${renderTable(['step', 'loss, ours', 'Python'], losses)}\n`)
  const sides = MODES.map((mode) => {
    const { peak } = runs[mode]
    return [TITLES[mode], seconds(runs[mode]).toFixed(4), (peak / 1e9).toFixed(2)]
  })
  console.log(`${renderTable(['side', 'seconds per step', 'peak host memory, GB'], sides)}\n`)
  const rows = verdicts.map(({ what, value, wanted, met }) => {
    return [what, value, wanted, met === undefined ? '' : met ? 'yes' : 'NO']
  })
  console.log(`${renderTable(['what', 'measured', 'wanted', 'met'], rows)}\n`)
}
