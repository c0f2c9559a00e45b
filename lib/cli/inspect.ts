import type { Command } from 'commander'
import { print, printJson } from './output.js'

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('show what is in a network file, or in the folder of a run')
    .argument('<file>', 'a safetensors file, a run.json, or the folder of a run')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ torch-prune inspect runs/lenet-5-0/model.safetensors
  $ torch-prune inspect runs/lenet-5-0 --json`,
    )
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { inspect, inspectionText } = await import('./inspection.js')
      const inspection = await inspect(file)
      if (json) printJson(inspection)
      else print(inspectionText(inspection))
    })
}
