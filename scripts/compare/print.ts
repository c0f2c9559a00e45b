import { renderTable } from '../../lib/internal.js'
import { MODES, type Mode } from '../network/sides.js'
import type { Comparison, Side } from './comparison.js'
import { lossWords, most, otherThreads } from './judgment.js'
import { type NetworkComparison, seconds } from './network.js'
import { EARLY, type TrainingComparison } from './training.js'

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
  sparse: 'ours, pruned, sparse layers',
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
  const sides = MODES.flatMap((mode) => {
    const run = runs[mode]
    return run ? [[TITLES[mode], seconds(run).toFixed(4), (run.peak / 1e9).toFixed(2)]] : []
  })
  console.log(`${renderTable(['side', 'seconds per step', 'peak host memory, GB'], sides)}\n`)
  const rows = verdicts.map(({ what, value, wanted, met }) => {
    return [what, value, wanted, met === undefined ? '' : met ? 'yes' : 'NO']
  })
  console.log(`${renderTable(['what', 'measured', 'wanted', 'met'], rows)}\n`)
}

/** Differences are shown for the steps up to each of these, and for all. */
const WINDOWS = [10, EARLY.steps]

/** Prints the comparisons of dense trainings as a Markdown table, whose figures can be quoted as they are. */
export function printTrainings(comparisons: readonly TrainingComparison[], threads: number): void {
  const longest = Math.max(...comparisons.map(({ judgment }) => judgment.steps))
  const windows = [...WINDOWS.filter((steps) => steps < longest), longest]
  const rows = comparisons.map(({ name, ends, apart, judgment, identical, tensors, passed }) => {
    const first = apart.ours.findIndex((each) => each !== 0)
    const largest = (each: readonly number[], steps: number) => scientific(most(each.slice(0, steps)))
    return [
      name,
      `${ends[0].toFixed(3)} to ${ends[1].toFixed(3)}`,
      `${judgment.identical} of ${judgment.steps} losses, ${identical} of ${tensors} tensors`,
      first < 0 ? 'none' : `${first + 1}`,
      ...windows.map((steps) => `${largest(apart.ours, steps)} / ${largest(apart.python, steps)}`),
      passed ? 'yes' : 'NO',
    ]
  })
  const steps = windows.map((last) => `steps 1 to ${last}`)
  const columns = ['training', 'loss', 'same bits', 'first step with others', ...steps, 'met']
  console.log(
    `Losses: the largest relative difference of ours from Python's (threads: ${threads}) / of Python's own with ` +
      `${otherThreads(threads)}. Wanted: at most ${EARLY.most} in ${EARLY.steps} steps, or as close as Python to itself.\n`,
  )
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  console.log(`${[columns, columns.map(() => '---'), ...rows].map(line).join('\n')}\n`)
}
