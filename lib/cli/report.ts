import type { Command } from 'commander'
import { jsonOption } from './options.js'
import { print, printJson } from './output.js'

export function define(command: Command): void {
  command
    .argument('<dir>', 'the folder of a finished run, of a study, or of what bench measured')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The report is one file that needs no network. Its charts are also written into
figures/ of the folder, as SVG and PNG, with their numbers as CSV.

Example:
  $ torch-prune report runs/lenet-5-0`,
    )
    .action(async (dir: string, { json }: { json?: boolean }) => {
      const { writeReport } = await import('../report/report.js')
      const { shown } = await import('./work.js')
      const report = await writeReport(dir)
      if (json) printJson({ kind: 'report', report })
      else print(`The report is in ${shown(report)}`)
    })
}
