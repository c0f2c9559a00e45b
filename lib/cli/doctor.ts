import type { Command } from 'commander'
import { EXIT } from './failure.js'
import { jsonOption } from './options.js'
import { print, printJson } from './output.js'

export function define(command: Command): void {
  command
    .addOption(jsonOption())
    .addHelpText('after', '\nExits with 1 when something is missing.')
    .action(async ({ json }: { json?: boolean }) => {
      const { diagnose, formatDiagnosis } = await import('../install/doctor.js')
      const diagnosis = await diagnose()
      if (json) printJson(diagnosis)
      else print(formatDiagnosis(diagnosis))
      if (!diagnosis.ok) process.exitCode = EXIT.failed
    })
}
