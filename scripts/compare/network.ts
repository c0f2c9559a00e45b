import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { spread } from '../bench/statistics.js'
import type { Python } from '../lenet/python.js'
import type { Flags, Side } from '../network/side.js'
import { compareSide, type Mode, type Timed } from '../network/sides.js'
import { NETWORKS, type NetworkName, prepareNetwork } from '../network/task.js'
import { judgeLosses, lossWords, otherThreads } from './judgment.js'

/** The number of steps before the other side has its turn; on our side, they are one job. */
const BLOCK = 5
/**
 * When work ends, OpenMP threads spin for a while. This pause lets one side's threads fall asleep before the other
 * starts.
 */
const PAUSE_MS = 20

/** The result of training on one side. */
export interface SideRun {
  readonly losses: readonly number[]
  /** The seconds per step in each block; the first block is a warm-up. */
  readonly times: readonly number[]
  /** The peak memory in training, in bytes. */
  readonly peak: number
  /** Digests of the masks, by layer. */
  readonly masks: Readonly<Record<string, string>>
  /** The predicted class of each test image. */
  readonly classes: readonly number[]
}

/** A line of the comparison's table. */
export interface Verdict {
  readonly what: string
  readonly value: string
  readonly wanted: string
  /** Whether the value is acceptable; undefined if it is only measured for comparison. */
  readonly met?: boolean
}

/** A comparison of a large network. */
export interface NetworkComparison {
  readonly name: NetworkName
  /** The sparse side trains on the CPU only. */
  readonly runs: Readonly<Record<Exclude<Mode, 'sparse'>, SideRun>> & { readonly sparse?: SideRun }
  readonly verdicts: readonly Verdict[]
}

/** The options of a comparison. */
export interface NetworkOptions {
  readonly device: string
  readonly threads: number
  readonly steps: number
  readonly batch: number
}

/**
 * Compares pruned retraining here and in Python on the same batches, with the sides taking turns; dense Python is
 * measured as well.
 */
export async function compareNetwork(
  name: NetworkName,
  python: Python,
  { device, threads, steps, batch }: NetworkOptions,
): Promise<NetworkComparison> {
  const folder = await prepareNetwork(name, { batch, steps })
  try {
    const flags = { folder, model: name, device, batch, threads }
    const run = (...modes: readonly Mode[]) => takeTurns(modes, python, flags, steps)
    // Only two processes run at a time, because four would not fit into a small machine's memory.
    const [ours, prune] = await run('ours', 'prune')
    const [fused, other] = await run('fused', device === 'cpu' ? 'sparse' : 'dense')
    const beside = device === 'cpu' ? { sparse: other!, dense: (await run('dense'))[0]! } : { dense: other! }
    const runs = { ours: ours!, prune: prune!, fused: fused!, ...beside }
    // This measures how far Python deviates from itself.
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
      // The order alternates, so that a machine that warms up or slows down favors nobody.
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
  const { ours, prune, fused, sparse } = runs
  const losses = judgeLosses(ours.losses, prune.losses, again.losses)
  const { steps, judged, oursAfter, pythonAfter } = losses
  const layers = Object.keys(ours.masks)
  const same = layers.filter((layer) => ours.masks[layer] === prune.masks[layer]).length
  const agreeing = (run: SideRun) => run.classes.filter((best, i) => best === prune.classes[i]).length
  const step = spread(paired(ours.times, prune.times)).median
  // The targets are for a CPU, and only there do the peaks include everything that training holds.
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
            what: `losses, steps ${judged + 1} to ${steps}, after rounding errors have grown`,
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
      what: 'test images with the same predicted class',
      value: `${agreeing(ours)} of ${ours.classes.length}; Python with itself ${agreeing(again)}`,
      wanted: judged < steps ? '' : 'all',
      // Once rounding errors have grown, the trained weights differ.
      ...(judged === steps && { met: agreeing(ours) === ours.classes.length }),
    },
    ratio('step, relative to Python prune', step, onCpu ? NETWORKS[name].stepTarget : undefined),
    ratio('step, relative to dense Python with fused SGD', seconds(ours) / seconds(fused)),
    ...(sparse ? [judgeSparse(name, sparse, fused)] : []),
    ...(onCpu ? judgeMemory(name, runs) : []),
  ]
}

function judgeSparse(name: NetworkName, sparse: SideRun, fused: SideRun): Verdict {
  const step = spread(paired(sparse.times, fused.times)).median
  return ratio('step with sparse layers, relative to the same', step, NETWORKS[name].sparseTarget)
}

function judgeMemory(name: NetworkName, { ours, prune, dense }: NetworkComparison['runs']): Verdict[] {
  return [
    ratio('peak memory, relative to Python prune', ours.peak / prune.peak),
    ratio('peak memory, relative to dense Python', ours.peak / dense.peak, NETWORKS[name].memoryTarget),
  ]
}

function ratio(what: string, value: number, most?: number): Verdict {
  if (most === undefined) return { what, value: times(value), wanted: '' }
  return { what, value: times(value), wanted: `≤ ${times(most)}`, met: value <= most }
}

/** The median time of a step, in seconds. The first block is a warm-up and is left out, unless it is the only one. */
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
