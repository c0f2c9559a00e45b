import type { Command } from 'commander'
import { type Averaging, ema, swa } from '../optim/averaging.js'
import { recipeNames } from '../recipes/registry.js'
import { interruptible } from './interrupt.js'
import { withResumableOptions, withWorkOptions } from './options.js'
import type { TrainOptions } from './train_work.js'
import { real, whole, wrong } from './values.js'

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a dense network, to be pruned later')
    .argument('<model>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .option('--epochs <n>', 'times through the training set', whole('--epochs', 1))
    .option('--batch-size <n>', 'samples in a step', whole('--batch-size', 1))
    .option('--drop-last', 'leave out the last batch of an epoch where it is not full')
    .option('--lr <x>', 'learning rate', real('--lr', { over0: true }))
    .option('--momentum <x>', 'momentum of SGD', real('--momentum', { most: 1 }))
    .option('--weight-decay <x>', "the optimizer's, on all parameters", real('--weight-decay'))
    .option('--l2 <x>', 'strength of L2 regularization, on weights alone', real('--l2'))
    .option(
      '--label-smoothing <x>',
      'share of the targets for all classes',
      real('--label-smoothing', { most: 1 }),
    )
    .option(
      '--warmup <x>',
      'cosine rate, rising over this share of the steps first',
      real('--warmup', { most: 1 }),
    )
    .option(
      '--averaging <how>',
      'end with an average of the weights: ema, ema=0.99, swa or swa=0.5',
      averaging,
    )
  withResumableOptions(withWorkOptions(command, 'runs/train-<model>-<seed>'))
    .addHelpText(
      'after',
      `
What is not given is as in the model's recipe. A part of the training set is
kept for validation. The folder then holds reference.safetensors and
events.jsonl. Ctrl-C finishes the step and saves; --resume goes on from there.

Examples:
  $ torch-prune train lenet-300-100 --epochs 10 --out runs/dense
  $ torch-prune train lenet-5 --lr 0.01 --momentum 0.9 --seed 1`,
    )
    .action((model: string, options: TrainOptions) =>
      interruptible(async (signal) => (await import('./train_work.js')).train(model, options, signal)),
    )
}

/** Reads `ema` or `swa`, with a number of its own or without. */
function averaging(text: string): Averaging {
  const [name, value, ...rest] = text.split('=')
  const number = value === undefined ? undefined : real('--averaging', { most: 1 })(value)
  if (name === 'ema' && rest.length === 0) return ema(number)
  if (name === 'swa' && rest.length === 0) return swa(number)
  throw wrong('--averaging', 'ema, ema=0.99, swa or swa=0.5', text)
}
