import { type Command, Option } from 'commander'
import { sgdOptions } from '../optim/spec.js'
import { pruneOptions } from '../prune/options.js'
import { qualityKind } from '../prune/select/deviation.js'
import { densityKind } from '../prune/select/selection.js'
import { retrainPlanOptions } from '../recipes/options.js'
import { recipeNames } from '../recipes/registry.js'
import { scoreNames, selectionNames } from './criterion_names.js'
import { interruptible } from './interrupt.js'
import { maskOption } from './options.js'
import type { PruneOptions } from './prune_work.js'
import { optionOf } from './table_option.js'
import { perLayer, words, wrong } from './values.js'
import { withResumableOptions, withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<model>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .requiredOption('--weights <file>', 'the trained network: safetensors, or a state dict (.pt, .pth)')
    .addOption(maskOption())
    .addOption(
      new Option(
        '--density <d>',
        "share of the weights to keep: 0.08 of all layers together, largest by their layer's deviation; " +
          'or of each, as fc1=0.1,fc2=0.2',
      )
        .argParser(perLayer('--density', densityKind))
        .conflicts('quality'),
    )
    .option(
      '--quality <q>',
      "prune weights under q standard deviations of their layer's: 1.2, or fc1=1.4,fc2=1.3",
      perLayer('--quality', qualityKind),
    )
    .addOption(
      new Option('--nm <n:m>', 'keep n of every m weights along the inputs: 2:4')
        .argParser(pattern)
        .conflicts(['density', 'quality']),
    )
    .addOption(
      new Option('--criterion <name>', 'what ranks weights (default: magnitude)').choices([
        ...scoreNames.keys(),
      ]),
    )
    .addOption(
      new Option('--select <name>', 'how many stay, where --density leaves a choice').choices(selectionNames),
    )
    .option(
      '--layers <list>',
      'prune these layers alone: conv, fc, or names as fc1,fc2; with one of the above',
      layerList,
    )
    .addOption(optionOf(pruneOptions, 'rounds', 'times to prune and retrain'))
    .addOption(optionOf(retrainPlanOptions, 'epochs', 'epochs of retraining in a round', 'retrainEpochs'))
    .addOption(optionOf(retrainPlanOptions, 'batchSize', 'samples per step'))
    .addOption(
      optionOf(retrainPlanOptions, 'dropLast', 'leave out the last batch of an epoch if it is not full'),
    )
    .addOption(optionOf(sgdOptions, 'lr', 'learning rate that the network was trained with'))
    .addOption(optionOf(retrainPlanOptions, 'lrFactor', 'retrain with that rate times this factor'))
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

What ranks weights: magnitude; fisher, by what the loss would lose; filter-norm,
by the L1 norm of their filter. How many stay: deviation (--quality), density of
each layer, global of all layers together, filters (whole ones of each layer),
nm (--nm). One --density is global, one by layer is of each; that of filter-norm
is of filters.

Examples:
  $ torch-prune prune lenet-5 --weights dense.safetensors --density 0.08
  $ torch-prune prune lenet-300-100 --weights runs/dense/reference.safetensors \\
      --quality fc1=1.4,fc2=1.3,fc3=0.8 --rounds 3
  $ torch-prune prune lenet-5 --weights dense.safetensors --phases fc,conv
  $ torch-prune prune lenet-5 --weights dense.safetensors --nm 2:4 --layers fc`,
    )
    .action((model: string, options: PruneOptions) =>
      interruptible(async (signal) => (await import('./prune_work.js')).prune(model, options, signal)),
    )
}

/** Reads `2:4`. */
function pattern(text: string): [n: number, m: number] {
  const found = /^\s*(\d{1,3})\s*:\s*(\d{1,3})\s*$/.exec(text)
  if (found) return [Number(found[1]), Number(found[2])]
  throw wrong('--nm', 'how many of how many, as 2:4', text)
}

/** Reads names of layers, parted by commas, or a kind of them. */
function layerList(text: string): string[] | 'conv' | 'fc' {
  const names = text.split(',').map((name) => name.trim())
  if (names[0] === '') throw wrong('--layers', 'conv, fc, or names as fc1,fc2', text)
  return names.length === 1 && (names[0] === 'conv' || names[0] === 'fc') ? names[0] : names
}
