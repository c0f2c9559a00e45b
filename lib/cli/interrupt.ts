import { EXIT, Interrupted } from './failure.js'

/** Ctrl-C, `kill`, and a reader that left (`| head`). */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGPIPE'] as const

// A Ctrl-C reaches the whole foreground group, and npm and tsx pass it on once more.
const ECHO_MS = 200

/**
 * Does work that signals may stop. The first one aborts, so that the work finishes its step and saves; the
 * second ends the process at once. Work that keeps something says so with an Interrupted of its own.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
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

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
