import { type Command, CommanderError, InvalidArgumentError } from 'commander'
import { TorchPruneError } from '../../lib/index.js'

/** Parses a whole number of 1 or more, for commander. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Use a whole number of 1 or more.')
  return value
}

/** Runs a command line. After a usage error or a deliberate error, it ends with one line and exit code 2. */
export async function runCommand(program: Command): Promise<void> {
  program.exitOverride()
  try {
    await program.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2
    } else if (error instanceof TorchPruneError) {
      console.error(error.message)
      process.exitCode = 2
    } else {
      throw error
    }
  }
}
