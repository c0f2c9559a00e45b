import { type Python, referenceScript } from '../lenet/python.js'
import type { Task } from '../lenet/task.js'
import { type Flags, Side } from '../network/side.js'

/** A Python program that works on command: scripts/reference/bench_lenet.py and bench_images.py. */
export class Rival {
  readonly #side: Side

  private constructor(side: Side) {
    this.#side = side
  }

  /**
   * Starts a rival for a task. `input` says whether its batches are normalized before the clock starts, or from bytes
   * within each step, as ours are.
   */
  static async start(
    python: Python,
    task: Task,
    options: {
      readonly threads: number
      readonly input: 'prepared' | 'bytes'
      readonly warmup: number
      readonly mode?: 'prune' | 'dense'
    },
  ): Promise<Rival> {
    const flags = { folder: task.folder, model: task.model, mode: 'prune', ...options }
    return Rival.launch(python, 'bench_lenet.py', flags)
  }

  /** Starts a script in scripts/reference that takes the commands `run N` and `quit`, as bench_images.py does. */
  static async launch(python: Python, script: string, flags: Flags): Promise<Rival> {
    return new Rival(await Side.start(python.command, [referenceScript(script)], flags))
  }

  /** Runs the next `steps` steps or batches, and returns the seconds that they took. */
  async run(steps: number): Promise<number> {
    const { seconds } = await this.#side.ask<{ readonly seconds: number }>(`run ${steps}`)
    return seconds
  }

  [Symbol.dispose](): void {
    this.#side[Symbol.dispose]()
  }
}
