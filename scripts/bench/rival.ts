import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { type Python, referenceScript } from '../lenet/python.js'
import type { Task } from '../lenet/task.js'

type Child = ChildProcessByStdio<Writable, Readable, null>
type Answers = AsyncIterator<string, undefined>

/** A Python that has its network ready and trains on command: scripts/reference/bench_lenet.py. */
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
    const flags = Object.entries({ folder: task.folder, model: task.model, mode: 'prune', ...options })
    const args = flags.flatMap(([flag, value]) => [`--${flag}`, String(value)])
    const child = spawn(python.command, [referenceScript('bench_lenet.py'), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const rival = new Rival(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]())
    await rival.#answer()
    return rival
  }

  /** Seconds that the next `steps` steps take. */
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
