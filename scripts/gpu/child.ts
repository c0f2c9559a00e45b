import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'

/** How a program ended, and what it printed. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** Why it did not succeed, in a few words; undefined if it did. */
  readonly failure?: string
  readonly seconds: number
}

/** What `runChild` is to do besides running a program. */
export interface ChildOptions {
  /** The program is killed after so many seconds. */
  readonly seconds: number
  /** The program is killed when it has printed nothing on stdout for so many seconds. */
  readonly quietSeconds?: number
  /** A file to which all output is appended, as it comes. */
  readonly log?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called with each line of stdout. */
  readonly onLine?: (line: string) => void
}

/** Runs a program in a process group of its own, so that all of it ends with its time. Never rejects. */
export function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const { log, onLine } = options
  const started = performance.now()
  const child = spawn(command, args, {
    detached: true,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr]: [string[], string[]] = [[], []]
  let failure: string | undefined
  const kill = (why: string) => {
    failure ??= why
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It has ended, or it never began.
    }
  }
  const limit = setTimeout(
    () => kill(`took longer than ${Math.round(options.seconds)} s`),
    options.seconds * 1000,
  )
  const quiet = () =>
    options.quietSeconds === undefined
      ? undefined
      : setTimeout(() => kill(`printed nothing for ${options.quietSeconds} s`), options.quietSeconds * 1000)
  let silence = quiet()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    clearTimeout(silence)
    silence = quiet()
    stdout.push(text)
    if (log) appendFileSync(log, text)
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine?.(line)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr.push(text)
    if (log) appendFileSync(log, text)
  })
  return new Promise((resolve) => {
    const end = (why?: string) => {
      clearTimeout(limit)
      clearTimeout(silence)
      if (why !== undefined) failure ??= why
      const seconds = (performance.now() - started) / 1000
      resolve({ stdout: stdout.join(''), stderr: stderr.join(''), seconds, ...(failure && { failure }) })
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, signal) =>
      end(code === 0 ? undefined : signal ? `ended with ${signal}` : `exited with ${code}`),
    )
  })
}

/** The last lines of a text, to say why a program failed. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
