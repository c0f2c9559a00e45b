import type { LeNetName } from '../lenet/task.js'
import type { Spread } from './statistics.js'

/** One line of the closing table. */
export interface Measurement {
  readonly what: string
  /** `'share'` is of something else: a small number without a unit. */
  readonly unit: '×' | 'ms' | '%' | 'tensors' | 'share'
  /** Held against `target`. */
  readonly value: number
  readonly spread?: Spread
  /** The most that `value` may be, or the least; undefined where it is there for comparison alone. */
  readonly target?: number
  readonly bound?: 'most' | 'least'
  /** What else is worth knowing, in a few words. */
  readonly note?: string
}

export interface BenchOptions {
  readonly models: readonly LeNetName[]
  /** Blocks of steps a side. */
  readonly blocks: number
  /** Steps a block, in the parts that take turns. */
  readonly steps: number
  /** Thread counts of the parts that compare steps. */
  readonly threads: readonly number[]
  /** How long the event loop is watched, for each network. */
  readonly seconds: number
  /** Steps over which memory is watched. */
  readonly growthSteps: number
  readonly data?: string
  /** A folder of `<class>/<image>` files; its part is skipped without one. */
  readonly images?: string
}

/** Runs one part, telling `say` what it is at. */
export type Part = (options: BenchOptions, say: (line: string) => void) => Promise<Measurement[]>
