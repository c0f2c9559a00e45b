import { CommanderError } from 'commander'
import { type ErrorCode, messageOf, TorchPruneError } from '../base/errors.js'
import { fixes } from '../base/fixes.js'
import { onOneLine, printable } from '../base/text.js'
import { rankInErrors } from '../distributed/environment.js'

/** The exit codes, which are part of the stable surface. */
export const EXIT = { done: 0, failed: 1, badInput: 2, interrupted: 130 } as const

const BAD_INPUT: ReadonlySet<ErrorCode> = new Set([
  'ERR_ARGUMENT',
  'ERR_SHAPE',
  'ERR_DTYPE',
  'ERR_DEVICE',
  'ERR_FILE',
  'ERR_OUTPUT',
  'ERR_BUSY',
])

/** Thrown when a signal ends work; the message says what was saved. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** Prints one line about an error to stderr, and returns the exit code for it. */
export function reportFailure(error: unknown): number {
  const { text, code } = describe(error)
  // A terminal prints ^C at the cursor, so the message begins on a new line.
  if (error instanceof Interrupted && process.stderr.isTTY) process.stderr.write('\n')
  if (text !== undefined) process.stderr.write(`torch-prune: ${rankInErrors()}${onOneLine(text).trim()}\n`)
  if (process.env.TORCH_PRUNE_DEBUG && error instanceof Error) {
    process.stderr.write(`${printable(String(error.stack), '\n')}\n`)
  }
  return code
}

function describe(error: unknown): { text: string | undefined; code: number } {
  if (error instanceof CommanderError) {
    // Commander also throws after it has printed the help or the version.
    if (error.exitCode === 0) return { text: undefined, code: EXIT.done }
    if (error.code === 'commander.help') return { text: undefined, code: EXIT.badInput }
    return { text: error.message.replace(/^error: /, ''), code: EXIT.badInput }
  }
  if (error instanceof Interrupted) return { text: error.message, code: EXIT.interrupted }
  if (error instanceof TorchPruneError) {
    return { text: inOptions(error.message), code: BAD_INPUT.has(error.code) ? EXIT.badInput : EXIT.failed }
  }
  const message = messageOf(error)
  const text = `unexpected error: ${message}; set TORCH_PRUNE_DEBUG=1 for the stack`
  return { text, code: EXIT.failed }
}

const FIXES: Readonly<Record<keyof typeof fixes, string>> = {
  otherNetwork: 'check --model',
  noGraph: 'name its network with --model',
  mnistFolder: 'give its folder with --data DIR',
}

/** An error of the library, with options named as on the command line instead of `{ out }` or `{ resume: true }`. */
function inOptions(text: string): string {
  let message = text
  for (const [what, fix] of Object.entries(FIXES)) {
    message = message.replace(fixes[what as keyof typeof fixes], fix)
  }
  return message.replace(/\{ (out|data|resume|overwrite)(?:: true)? \}/g, '--$1')
}
