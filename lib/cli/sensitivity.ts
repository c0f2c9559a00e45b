import type { Command } from 'commander'
import { interruptible } from './interrupt.js'
import { real, type WorkOptions, withWorkOptions } from './options.js'

export interface SensitivityOptions extends WorkOptions {
  readonly weights: string
  readonly densities?: number[]
  readonly errorIncrease?: number
  readonly budgetWeights?: number
  readonly budgetBytes?: number
}

export function addSensitivity(program: Command): void {
  const command = program
    .command('sensitivity')
    .description('how much each layer minds being pruned, one at a time and without retraining (figure 6)')
    .argument('<model>', 'a recipe name, or the path of a recipe: its network and data')
    .requiredOption('--weights <file>', 'the trained network: safetensors, or a state dict (.pt, .pth)')
    .option('--densities <list>', 'shares of the weights to keep, as 0.5,0.2,0.1', (text) =>
      text.split(',').map(real('--densities', { over0: true, most: 1 })),
    )
    .option(
      '--error-increase <points>',
      'solve thresholds for this much more error',
      real('--error-increase'),
    )
    .option('--budget-weights <n>', 'solve thresholds for this many weights', real('--budget-weights'))
    .option('--budget-bytes <n>', 'solve thresholds for this many bytes', real('--budget-bytes'))
  withWorkOptions(command, 'runs/sensitivity-<model>-<seed>')
    .addHelpText(
      'after',
      `
Errors are read on the validation part. The folder then holds sensitivity.json,
sensitivity.csv and report.html.

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
