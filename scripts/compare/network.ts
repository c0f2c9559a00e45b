import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { spread } from '../bench/statistics.js'
import type { Python } from '../lenet/python.js'
import type { Flags, Side } from '../network/side.js'
import { compareSide, type Mode, type Timed } from '../network/sides.js'
import { NETWORKS, type NetworkName, prepareNetwork } from '../network/task.js'
import { judgeLosses, lossWords, otherThreads } from './judgment.js'

/** Steps before the other side has its turn: so many are one job of ours. */
const BLOCK = 5
/** So that one side's OpenMP threads, which spin for a while when their work ends, sleep when the other starts. */
const PAUSE_MS = 20

/** How one side trained. */
export interface SideRun {
  readonly losses: readonly number[]
  /** Seconds a step, of each block; the first block warms up. */
  readonly times: readonly number[]
  /** The peak of memory in training, in bytes. */
  readonly peak: number
  /** Digests by layer. */
  readonly masks: Readonly<Record<string, string>>
  /** Which class each of the test images is taken for. */
  readonly classes: readonly number[]
}

export interface Verdict {
  readonly what: string
  readonly value: string
  readonly wanted: string
  /** Undefined where it is told for comparison alone. */
  readonly met?: boolean
}

export interface NetworkComparison {
  readonly name: NetworkName
  readonly runs: Readonly<Record<Mode, SideRun>>
  readonly verdicts: readonly Verdict[]
}

export interface NetworkOptions {
  readonly device: string
  readonly threads: number
  readonly steps: number
  readonly batch: number
}

/** Pruned retraining here and in Python on the same batches, in turns; dense Python beside them. */
export async function compareNetwork(
  name: NetworkName,
  python: Python,
  { device, threads, steps, batch }: NetworkOptions,
): Promise<NetworkComparison> {
  const folder = await prepareNetwork(name, { batch, steps })
  try {
    const flags = { folder, model: name, device, batch, threads }
    const run = (...modes: readonly Mode[]) => takeTurns(modes, python, flags, steps)
    // Two processes at a time: four would not fit a small machine's memory.
    const [ours, prune] = await run('ours', 'prune')
    const [dense, fused] = await run('dense', 'fused')
    const runs = { ours: ours!, prune: prune!, dense: dense!, fused: fused! }
    // How far Python is from itself.
    const [again] = await takeTurns(['prune'], python, { ...flags, threads: otherThreads(threads) }, steps)
    return { name, runs, verdicts: judge(name, device, runs, again!) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function takeTurns(
  modes: readonly Mode[],
  python: Python,
  flags: Flags,
  steps: number,
): Promise<SideRun[]> {
  const sides: { side: Side; losses: number[]; times: number[] }[] = []
  try {
    for (const mode of modes)
      sides.push({ side: await compareSide(mode, python, flags), losses: [], times: [] })
    for (let done = 0, block = 0; done < steps; done += BLOCK, block++) {
      const count = Math.min(BLOCK, steps - done)
      // The order turns round, so that a machine that warms up or slows down favours nobody.
      for (const { side, losses, times } of block % 2 === 0 ? sides : sides.toReversed()) {
        await sleep(PAUSE_MS)
        const answer = await side.ask<Timed & { readonly losses: number[] }>(`run ${count}`)
        losses.push(...answer.losses)
        times.push(answer.seconds / count)
      }
    }
    const runs: SideRun[] = []
    for (const { side, losses, times } of sides) {
      runs.push({
        ...(await side.ask<Pick<SideRun, 'peak' | 'masks' | 'classes'>>('finish')),
        losses,
        times,
      })
    }
    return runs
  } finally {
    for (const { side } of sides) side[Symbol.dispose]()
  }
}

function judge(
  name: NetworkName,
  device: string,
  runs: NetworkComparison['runs'],
  again: SideRun,
): Verdict[] {
  const { ours, prune, fused } = runs
  const losses = judgeLosses(ours.losses, prune.losses, again.losses)
  const { steps, judged, oursAfter, pythonAfter } = losses
  const layers = Object.keys(ours.masks)
  const same = layers.filter((layer) => ours.masks[layer] === prune.masks[layer]).length
  const agreeing = (run: SideRun) => run.classes.filter((best, i) => best === prune.classes[i]).length
  const step = spread(paired(ours.times, prune.times)).median
  // The targets are of a CPU; and there the peaks are of all that training holds.
  const onCpu = device === 'cpu'
  return [
    {
      what: 'losses',
      value: lossWords(losses),
      wanted: 'as close as Python to itself',
      met: judged > 0 && losses.failedAt === undefined,
    },
    ...(judged < steps
      ? [
          {
            what: `losses, steps ${judged + 1} to ${steps}, where rounding has grown`,
            value: `ours ${oursAfter.toExponential(1)}, Python's own ${pythonAfter.toExponential(1)}`,
            wanted: '',
          },
        ]
      : []),
    {
      what: 'masks that are identical',
      value: `${same}`,
      wanted: `${layers.length}`,
      met: same === layers.length,
    },
    {
      what: 'test images put into the same class',
      value: `${agreeing(ours)} of ${ours.classes.length}; Python with itself ${agreeing(again)}`,
      wanted: judged < steps ? '' : 'all',
      // Once rounding has grown, the trained weights are others.
      ...(judged === steps && { met: agreeing(ours) === ours.classes.length }),
    },
    ratio('step, of Python prune', step, onCpu ? NETWORKS[name].stepTarget : undefined),
    ratio('step, of dense Python with fused SGD', seconds(ours) / seconds(fused)),
    ...(onCpu ? judgeMemory(name, runs) : []),
  ]
}

function judgeMemory(name: NetworkName, { ours, prune, dense }: NetworkComparison['runs']): Verdict[] {
  return [
    ratio('peak of memory, of Python prune', ours.peak / prune.peak),
    ratio('peak of memory, of dense Python', ours.peak / dense.peak, NETWORKS[name].memoryTarget),
  ]
}

function ratio(what: string, value: number, most?: number): Verdict {
  if (most === undefined) return { what, value: times(value), wanted: '' }
  return { what, value: times(value), wanted: `≤ ${times(most)}`, met: value <= most }
}

/** The median of a step; the first block warms up, unless it is the only one. */
export function seconds({ times }: Pick<SideRun, 'times'>): number {
  return spread(times.length > 1 ? times.slice(1) : times).median
}

function paired(ours: readonly number[], theirs: readonly number[]): number[] {
  const ratios = ours.map((time, i) => time / theirs[i]!)
  return ratios.length > 1 ? ratios.slice(1) : ratios
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`
}
