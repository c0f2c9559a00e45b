import { quoteForShell } from '../base/text.js'
import { EXIT, Interrupted } from './failure.js'

/** Ctrl-C, `kill`, and a terminal that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// A Ctrl-C reaches the whole foreground group, and npm and tsx pass it on once more.
const ECHO_MS = 200

let worked = false

/** Whether the process works, or has, on more than what it prints. */
export function hasWorked(): boolean {
  return worked
}

/**
 * Does work that signals may stop. The first one aborts, so that the work finishes its step and saves; the
 * second ends the process at once. Work that keeps something says so with an Interrupted of its own.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  worked = true
  const controller = new AbortController()
  let first = 0
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      if (performance.now() - first > ECHO_MS) process.exit(EXIT.interrupted)
      return
    }
    first = performance.now()
    controller.abort(new DOMException(`stopped by ${signal}`, 'AbortError'))
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  try {
    return await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted || error !== controller.signal.reason) throw error
    throw new Interrupted('interrupted: nothing was written')
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
}

let program = 'torch-prune'

/** Names the program in the commands that are shown, where it is a script around this command line. */
export function nameProgram(words: string): void {
  program = words
}

/** The command that was given, with an option added where there is one, to be pasted into a shell. */
export function commandWith(option?: string): string {
  const given = process.argv.slice(2)
  const words = option === undefined || given.includes(option) ? given : [...given, option]
  return [program, ...words.map(quoteForShell)].join(' ')
}

/** Another command, with those of the options that were given to this one, to be pasted into a shell. */
export function anotherCommand(words: readonly string[], options: readonly string[]): string {
  const given = process.argv.slice(2)
  const kept = given.flatMap((word, i) => {
    if (options.includes(word)) return given.slice(i, i + 2)
    return options.some((option) => word.startsWith(`${option}=`)) ? [word] : []
  })
  return ['torch-prune', ...words, ...kept].map(quoteForShell).join(' ')
}
