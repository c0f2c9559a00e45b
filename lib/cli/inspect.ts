import type { Command } from 'commander'
import type { OpenOptions } from './network_file.js'
import { jsonOption, maskOption } from './options.js'
import { print, printJson } from './output.js'

export function define(command: Command): void {
  command
    .argument(
      '<file>',
      'a safetensors or coded file, a state dict (.pt, .pth), a run.json, or the folder of a run',
    )
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ torch-prune inspect runs/lenet-5-0/model.safetensors
  $ torch-prune inspect runs/lenet-5-0 --json
  $ torch-prune inspect alexnet.pth --model alexnet`,
    )
    .action(async (file: string, { json, ...options }: OpenOptions & { json?: boolean }) => {
      const { inspect, inspectionText } = await import('./inspection.js')
      const inspection = await inspect(file, options)
      if (json) printJson(inspection)
      else print(inspectionText(inspection))
    })
}
