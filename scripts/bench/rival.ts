import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { type Python, referenceScript } from '../lenet/python.js'
import type { Task } from '../lenet/task.js'

type Child = ChildProcessByStdio<Writable, Readable, null>
type Answers = AsyncIterator<string, undefined>

/** A Python that works on command: scripts/reference/bench_lenet.py and bench_images.py. */
export class Rival {
  readonly #child: Child
  readonly #answers: Answers

  private constructor(child: Child, answers: Answers) {
    this.#child = child
    this.#answers = answers
  }

  /** `input`: whether its batches are normalised before the clock starts, or from bytes in each step, as ours. */
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

  /** A script of scripts/reference that takes `run N` and `quit`, as bench_images.py does. */
  static async launch(
    python: Python,
    script: string,
    flags: Readonly<Record<string, string | number>>,
  ): Promise<Rival> {
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    const child = spawn(python.command, [referenceScript(script), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const rival = new Rival(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]())
    await rival.#answer()
    return rival
  }

  /** Seconds that the next `steps` steps, or batches, take. */
  async run(steps: number): Promise<number> {
    this.#child.stdin.write(`run ${steps}\n`)
    const { seconds } = await this.#answer()
    return seconds!
  }

  async #answer(): Promise<{ readonly seconds?: number }> {
    const { done, value } = await this.#answers.next()
    if (done) throw new Error('Python ended before it answered')
    const answer = JSON.parse(value)
    if ('error' in answer) throw new Error(`Python: ${answer.error}`)
    return answer
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end('quit\n')
  }
}
