import type { Command } from 'commander'
import { interruptible } from './interrupt.js'
import { jsonOption } from './options.js'
import type { PackCommandOptions } from './pack_work.js'
import { whole } from './values.js'

export function define(command: Command): void {
  command
    .argument('<dir>', 'a folder that holds train/<class>/… and val/<class>/… (or test/<class>/…)')
    .requiredOption('--out <file>', 'the file to write')
    .option('--resize <n>', 'length of the shorter side in pixels (default: 256)', whole('--resize', 1, 8192))
    .option(
      '--validation <n>',
      'training images that make the validation part (default: a twentieth)',
      whole('--validation', 1),
    )
    .option(
      '--threads <n>',
      'threads that decode (default: all cores, at most 4)',
      whole('--threads', 1, 256),
    )
    .option('--quiet', 'print nothing but errors, and with --json the figures')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Images that cannot be decoded are left out and listed.

Example:
  $ torch-prune pack imagenet --out imagenet.pack`,
    )
    .action((dir: string, options: PackCommandOptions) =>
      interruptible(async (signal) => {
        const { pack } = await import('./pack_work.js')
        await pack(dir, options, signal)
      }),
    )
}
