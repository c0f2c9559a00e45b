import { type Command, Option } from 'commander'
import type { ExportCommandOptions } from './export_work.js'
import { interruptible } from './interrupt.js'
import { jsonOption, maskOption } from './options.js'

export function define(command: Command): void {
  command
    .argument('<file>', 'a network file of ours, or another one with --model')
    .addOption(
      new Option('--format <format>', 'the format to write')
        .choices(['coded', 'onnx', 'safetensors'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--profile <profile>',
        'coded: as small as possible, or as Deep Compression stores networks (default: compact)',
      ).choices(['compact', 'huffman']),
    )
    .addOption(
      new Option(
        '--masks <form>',
        "safetensors: masks beside their weights, as torch.nn.utils.prune's weight_orig, or none (default: weight_mask)",
      ).choices(['weight_mask', 'weight_orig', 'none']),
    )
    .option('--shrink', 'remove dead neurons first')
    .requiredOption('--out <file>', 'the file to write: x.tpz for coded, x.onnx for onnx')
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ torch-prune export model.safetensors --format coded --out model.tpz
  $ torch-prune export model.safetensors --format onnx --shrink --out model.onnx`,
    )
    .action((file: string, options: ExportCommandOptions) =>
      interruptible(async () => {
        const { exportFile } = await import('./export_work.js')
        await exportFile(file, options)
      }),
    )
}
