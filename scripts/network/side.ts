import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Command-line options by name. */
export type Flags = Readonly<Record<string, string | number>>

/** A program that takes one command per line and answers each with a line of JSON, or `{"error": …}` if it cannot. */
export class Side {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string, undefined>

  private constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Starts a program and waits until it is ready. */
  static async start(command: string, args: readonly string[], flags: Flags): Promise<Side> {
    const options = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    const side = new Side(command, [...args, ...options])
    await side.#answer()
    return side
  }

  /** Sends a command and returns the answer, whose type the caller knows. */
  async ask<Answer>(command: string): Promise<Answer> {
    this.#child.stdin.write(`${command}\n`)
    return (await this.#answer()) as Answer
  }

  async #answer(): Promise<unknown> {
    const { done, value } = await this.#answers.next()
    if (done) throw new Error(`${this.#child.spawnfile} ended before it answered`)
    const answer = JSON.parse(value)
    if ('error' in answer) throw new Error(`${this.#child.spawnfile}: ${answer.error}`)
    return answer
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end('quit\n')
  }
}
