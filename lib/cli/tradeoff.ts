import type { Command } from 'commander'
import { strengthOptions } from '../optim/regularization.js'
import { settingsOptions } from '../train/options.js'
import { interruptible } from './interrupt.js'
import { optionOf } from './table_option.js'
import type { TradeoffCommandOptions } from './tradeoff_work.js'
import { densities, whole } from './values.js'
import { withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<model>', 'a recipe name, or the path of a recipe: its network, data and training')
    .option('--seeds <n>', 'number of seeds to average over, from --seed on', whole('--seeds', 1, 100), 3)
    .option('--densities <list>', 'shares of the weights to keep, as 0.5,0.2,0.1', densities)
    .addOption(optionOf(settingsOptions, 'epochs', "epochs of dense training (default: the recipe's)"))
    .addOption(optionOf(settingsOptions, 'epochs', 'epochs of each retraining', 'retrainEpochs').default(4))
    .addOption(optionOf(strengthOptions, 'strength', 'strength of L1', 'l1').default(1e-5))
    .addOption(optionOf(strengthOptions, 'strength', 'strength of L2', 'l2').default(5e-4))
  withWorkOptions(command, 'runs/tradeoff-<model>')
    .addHelpText(
      'after',
      `
The folder then has tradeoff.json and report.html. The same command continues a
study that was stopped, after the last finished curve.

Example:
  $ torch-prune tradeoff lenet-300-100 --seeds 3`,
    )
    .action((model: string, options: TradeoffCommandOptions) =>
      interruptible(async (signal) => {
        const { studyTradeoff } = await import('./tradeoff_work.js')
        await studyTradeoff(model, options, signal)
      }),
    )
}
