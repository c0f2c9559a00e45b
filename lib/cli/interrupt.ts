import { quoteForShell } from '../base/text.js'
import { EXIT, Interrupted } from './failure.js'

/** The signals of Ctrl-C, of `kill`, and of a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// Ctrl-C reaches all processes in the foreground, and npm and tsx pass it on a second time.
const ECHO_MS = 200

let worked = false

/** Whether the process does, or has done, more than print something. */
export function hasWorked(): boolean {
  return worked
}

/**
 * Does work that signals may stop. The first signal aborts the work, which then finishes its step and saves; the second
 * one ends the process at once. Work that has saved something throws its own Interrupted to say so.
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

/** Sets the program's name in the commands that are shown, for scripts that build on this command line. */
export function nameProgram(words: string): void {
  program = words
}

/** Returns the command that was given, with one more option if there is one, ready to paste into a shell. */
export function commandWith(option?: string): string {
  const given = process.argv.slice(2)
  const words = option === undefined || given.includes(option) ? given : [...given, option]
  return [program, ...words.map(quoteForShell)].join(' ')
}

/** Returns another command, with the given options of this one that it takes too, ready to paste into a shell. */
export function anotherCommand(words: readonly string[], options: readonly string[]): string {
  const given = process.argv.slice(2)
  const kept = given.flatMap((word, i) => {
    if (options.includes(word)) return given.slice(i, i + 2)
    return options.some((option) => word.startsWith(`${option}=`)) ? [word] : []
  })
  return ['torch-prune', ...words, ...kept].map(quoteForShell).join(' ')
}
