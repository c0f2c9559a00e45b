import { type Command, Option } from 'commander'
import { solveOptions } from '../prune/options.js'
import { interruptible } from './interrupt.js'
import { maskOption } from './options.js'
import type { SensitivityOptions } from './sensitivity_work.js'
import { optionOf } from './table_option.js'
import { densities, real } from './values.js'
import { withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<model>', 'a recipe name, or the path of a recipe: its network and data')
    .requiredOption('--weights <file>', 'the trained network: safetensors, .tpz, or a state dict (.pt, .pth)')
    .addOption(maskOption())
    .option('--densities <list>', 'shares of the weights to keep, as 0.5,0.2,0.1', densities)
    .addOption(
      new Option('--error-increase <points>', 'solve thresholds for this much more error')
        .argParser(real('--error-increase'))
        .conflicts(['budgetWeights', 'budgetBytes']),
    )
    .addOption(
      new Option('--budget-weights <n>', 'solve thresholds for this many weights')
        .argParser(real('--budget-weights'))
        .conflicts('budgetBytes'),
    )
    .option('--budget-bytes <n>', 'solve thresholds for this many bytes', real('--budget-bytes'))
    .addOption(
      optionOf(solveOptions, 'leastDensity', 'thresholds keep at least this share of each layer').default(
        solveOptions.leastDensity.fallback,
      ),
    )
  withWorkOptions(command, 'runs/sensitivity-<model>-<seed>')
    .addHelpText(
      'after',
      `
Errors are measured on the validation part. The folder then has
sensitivity.json, sensitivity.csv, report.html and, for a budget,
thresholds.json. The same command continues a study that was stopped.

Example:
  $ torch-prune sensitivity lenet-5 --weights runs/lenet-5-0/reference.safetensors \\
      --error-increase 0.5`,
    )
    .action((model: string, options: SensitivityOptions) =>
      interruptible(async (signal) => {
        const { studySensitivity } = await import('./sensitivity_work.js')
        await studySensitivity(model, options, signal)
      }),
    )
}
