import type { Command } from 'commander'
import { print } from './output.js'

export function addReport(program: Command): void {
  program
    .command('report')
    .description('write the report of a run or a study again, as report.html in its folder')
    .argument('<dir>', 'the folder of a finished run, or of a sensitivity or trade-off study')
    .addHelpText(
      'after',
      `
The report is one file that needs no network. Its charts are also written into
figures/ of the folder, as SVG and PNG.

Example:
  $ torch-prune report runs/lenet-5-0`,
    )
    .action(async (dir: string) => {
      const { writeReport } = await import('../report/report.js')
      const { shown } = await import('./work.js')
      print(`The report is in ${shown(await writeReport(dir))}`)
    })
}
