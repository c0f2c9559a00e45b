#!/usr/bin/env node
import { keepPoolAwake } from '../base/pool.js'
import { reportFailure } from './failure.js'
import { surviveLostOutput } from './output.js'
import { createProgram } from './program.js'

process.on('uncaughtException', (error) => process.exit(reportFailure(error)))
surviveLostOutput()
keepPoolAwake()

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
