#!/usr/bin/env node
import { EXIT, reportFailure } from './failure.js'
import { createProgram } from './program.js'

process.on('uncaughtException', (error) => process.exit(reportFailure(error)))
// A reader that leaves early (`| head`) is no error; work that runs is told as by a signal.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  if (!process.emit('SIGPIPE', 'SIGPIPE')) process.exit(EXIT.done)
})
process.stderr.on('error', () => {})

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
