import type { Command } from 'commander'
import { interruptible } from './interrupt.js'
import { withWorkOptions } from './options.js'
import type { TradeoffCommandOptions } from './tradeoff_work.js'
import { densities, real, whole } from './values.js'

export function addTradeoff(program: Command): void {
  const command = program
    .command('tradeoff')
    .description('accuracy lost against the share that is kept, five ways (figure 5)')
    .argument('<model>', 'a recipe name, or the path of a recipe: its network, data and training')
    .option('--seeds <n>', 'how many seeds to average over, from --seed on', whole('--seeds', 1, 100), 3)
    .option('--densities <list>', 'shares of the weights to keep, as 0.5,0.2,0.1', densities)
    .option('--epochs <n>', "epochs of dense training (default: the recipe's)", whole('--epochs', 1))
    .option('--retrain-epochs <n>', 'epochs of each retraining', whole('--retrain-epochs', 1), 4)
    .option('--l1 <x>', 'strength of L1', real('--l1'), 1e-5)
    .option('--l2 <x>', 'strength of L2', real('--l2'), 5e-4)
  withWorkOptions(command, 'runs/tradeoff-<model>')
    .addHelpText(
      'after',
      `
The folder holds tradeoff.json and report.html. Run it again to go on behind the
last curve that was finished.

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
