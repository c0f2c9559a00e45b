import { type Command, Option } from 'commander'
import { recipeNames } from '../recipes/registry.js'
import { criterionNames } from './criterion_names.js'
import { interruptible } from './interrupt.js'
import { maskOption, withResumableOptions, withWorkOptions } from './options.js'
import type { PruneOptions } from './prune_work.js'
import { perLayer, real, whole, words } from './values.js'

export function addPrune(program: Command): void {
  const command = program
    .command('prune')
    .description('prune and retrain a network that is trained already')
    .argument('<model>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .requiredOption('--weights <file>', 'the trained network: safetensors, or a state dict (.pt, .pth)')
    .addOption(maskOption())
    .addOption(
      new Option(
        '--density <d>',
        "share of the weights to keep: 0.08 of all layers together, largest by their layer's deviation; " +
          'or of each, as fc1=0.1,fc2=0.2',
      )
        .argParser(perLayer('--density', { most: 1 }))
        .conflicts('quality'),
    )
    .option(
      '--quality <q>',
      "prune weights under q standard deviations of their layer's: 1.2, or fc1=1.4,fc2=1.3",
      perLayer('--quality'),
    )
    .addOption(
      new Option('--criterion <name>', 'what decides, where --density or --quality leave a choice').choices(
        criterionNames,
      ),
    )
    .option('--rounds <n>', 'times to prune and retrain', whole('--rounds', 1))
    .option('--retrain-epochs <n>', 'epochs of retraining in a round', whole('--retrain-epochs', 1))
    .option('--batch-size <n>', 'samples in a step', whole('--batch-size', 1))
    .option('--drop-last', 'leave out the last batch of an epoch where it is not full')
    .option('--lr <x>', 'learning rate that the network was trained with', real('--lr', { over0: true }))
    .option('--lr-factor <x>', 'retrain with that rate times this', real('--lr-factor', { over0: true }))
    .option(
      '--phases <list>',
      'layers that each round prunes and retrains in turn, the others fixed: all, fc,conv, or alternate',
      (text) => (text.trim() === 'alternate' ? 'alternate' : words('--phases', ['all', 'conv', 'fc'])(text)),
    )
  withResumableOptions(withWorkOptions(command, 'runs/prune-<model>-<seed>'))
    .addHelpText(
      'after',
      `
What is not given is as in the model's recipe. The folder then holds run.json,
events.jsonl, reference.safetensors (the weights as given), model.safetensors
(pruned) and checkpoint/.

Criteria: deviation prunes by --quality. The others keep a --density: global of
all layers together and layer of each, by magnitude; fisher of all together, by
what the loss would lose; filter of each layer's whole filters, by L1 norm.

Examples:
  $ torch-prune prune lenet-5 --weights dense.safetensors --density 0.08
  $ torch-prune prune lenet-300-100 --weights runs/dense/reference.safetensors \\
      --quality fc1=1.4,fc2=1.3,fc3=0.8 --rounds 3
  $ torch-prune prune lenet-5 --weights dense.safetensors --phases fc,conv`,
    )
    .action((model: string, options: PruneOptions) =>
      interruptible(async (signal) => (await import('./prune_work.js')).prune(model, options, signal)),
    )
}
