import type { Command } from 'commander'
import type { ImportCommandOptions } from './export_work.js'
import { interruptible } from './interrupt.js'
import { jsonOption, maskOption } from './options.js'

export function define(command: Command): void {
  command
    .argument('<file>', 'a coded file (.tpz), a safetensors file, or a state dict (.pt, .pth)')
    .requiredOption('--out <file>', 'the safetensors file to write')
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Example:
  $ torch-prune import model.tpz --out model.safetensors`,
    )
    .action((file: string, options: ImportCommandOptions) =>
      interruptible(async () => {
        const { importFile } = await import('./export_work.js')
        await importFile(file, options)
      }),
    )
}
