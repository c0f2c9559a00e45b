import type { Command } from 'commander'
import { type Averaging, ema, swa } from '../optim/averaging.js'
import { strengthOptions } from '../optim/regularization.js'
import { cosineOptions } from '../optim/schedule.js'
import { sgdOptions } from '../optim/spec.js'
import { recipeNames } from '../recipes/registry.js'
import { crossEntropyOptions } from '../train/losses.js'
import { settingsOptions } from '../train/options.js'
import { inProcesses, type ProcessesOption, processesOption } from './options.js'
import { optionOf } from './table_option.js'
import type { TrainOptions } from './train_work.js'
import { real, wrong } from './values.js'
import { withResumableOptions, withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<model>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .addOption(optionOf(settingsOptions, 'epochs', 'times through the training set'))
    .addOption(optionOf(settingsOptions, 'batchSize', 'samples per step'))
    .addOption(
      optionOf(settingsOptions, 'dropLast', 'leave out the last batch of an epoch if it is not full'),
    )
    .addOption(optionOf(sgdOptions, 'lr', 'learning rate'))
    .addOption(optionOf(sgdOptions, 'momentum', 'momentum of SGD'))
    .addOption(optionOf(sgdOptions, 'weightDecay', "the optimizer's weight decay, of all parameters"))
    .addOption(optionOf(strengthOptions, 'strength', 'strength of L2 regularization, of weights alone', 'l2'))
    .addOption(
      optionOf(crossEntropyOptions, 'labelSmoothing', 'share of each target that goes to all classes'),
    )
    .addOption(optionOf(cosineOptions, 'warmup', 'cosine schedule that rises for this share of the steps'))
    .option(
      '--averaging <how>',
      'end with an average of the weights: ema, ema=0.99, swa or swa=0.5',
      averaging,
    )
    .addOption(processesOption())
  withResumableOptions(withWorkOptions(command, 'runs/train-<model>-<seed>'))
    .addHelpText(
      'after',
      `
Other settings are those of the model's recipe. A part of the training set is
kept for validation. The folder then has reference.safetensors and events.jsonl.
Ctrl-C finishes the step and saves; --resume continues from there.

Examples:
  $ torch-prune train lenet-300-100 --epochs 10 --out runs/dense
  $ torch-prune train lenet-5 --lr 0.01 --momentum 0.9 --seed 1
  $ torch-prune train wrn-16-2 --nproc 4`,
    )
    .action((model: string, options: TrainOptions & ProcessesOption) =>
      inProcesses(options, async (signal) => (await import('./train_work.js')).train(model, options, signal)),
    )
}

/** Reads `ema` or `swa`, with or without a number. */
function averaging(text: string): Averaging {
  const [name, value, ...rest] = text.split('=')
  const number = value === undefined ? undefined : real('--averaging', { most: 1 })(value)
  if (name === 'ema' && rest.length === 0) return ema(number)
  if (name === 'swa' && rest.length === 0) return swa(number)
  throw wrong('--averaging', 'ema, ema=0.99, swa or swa=0.5', text)
}
