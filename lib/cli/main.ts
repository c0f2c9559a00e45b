#!/usr/bin/env node
import { keepPoolAwake } from '../base/pool.js'
import { reportFailure } from './failure.js'
import { surviveLostOutput } from './output.js'
import { createProgram } from './program.js'

process.on('uncaughtException', (error) => process.exit(reportFailure(error)))
surviveLostOutput()
keepPoolAwake()

try {
  const [first = '', second] = process.argv.slice(2)
  await (await createProgram(first === 'help' ? (second ?? '') : first)).parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
