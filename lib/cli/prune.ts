import { type Command, Option } from 'commander'
import { sgdOptions } from '../optim/spec.js'
import { pruneOptions } from '../prune/options.js'
import { qualityKind } from '../prune/select/deviation.js'
import { retrainPlanOptions } from '../recipes/options.js'
import { recipeNames } from '../recipes/registry.js'
import { scoreNames, selectionNames } from './criterion_names.js'
import { inProcesses, maskOption, type ProcessesOption, processesOption } from './options.js'
import type { PruneOptions } from './prune_work.js'
import { optionOf } from './table_option.js'
import { keptShare, perLayer, words, wrong } from './values.js'
import { withResumableOptions, withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<model>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .requiredOption('--weights <file>', 'the trained network: safetensors, .tpz, or a state dict (.pt, .pth)')
    .addOption(maskOption())
    .addOption(
      new Option(
        '--density <d>',
        "share of the weights to keep: 0.08 of all layers together, after dividing by each layer's deviation; " +
          'or of each layer, as fc1=0.1,fc2=0.2',
      )
        .argParser(perLayer('--density', keptShare))
        .conflicts('quality'),
    )
    .option(
      '--quality <q>',
      'prune weights under q standard deviations of their layer: 1.2, or fc1=1.4,fc2=1.3',
      perLayer('--quality', qualityKind),
    )
    .addOption(
      new Option('--nm <n:m>', 'keep n of every m weights along the inputs: 2:4')
        .argParser(pattern)
        .conflicts(['density', 'quality']),
    )
    .addOption(
      new Option('--criterion <name>', 'how weights are ranked (default: magnitude)').choices([
        ...scoreNames.keys(),
      ]),
    )
    .addOption(
      new Option(
        '--select <name>',
        'how the number of kept weights is chosen, if --density leaves a choice',
      ).choices(selectionNames),
    )
    .option(
      '--layers <list>',
      'prune only these layers: conv, fc, or names as fc1,fc2; with one of the above',
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
      'phases of each round, which freeze the other layers: all, fc,conv, or alternate',
      (text) => (text.trim() === 'alternate' ? 'alternate' : words('--phases', ['all', 'conv', 'fc'])(text)),
    )
  withResumableOptions(withWorkOptions(command.addOption(processesOption()), 'runs/prune-<model>-<seed>'))
    .addHelpText(
      'after',
      `
Other settings are those of the model's recipe. The folder then has run.json,
events.jsonl, reference.safetensors (the weights as given), model.safetensors
(pruned) and checkpoint/.

Criteria: magnitude; fisher, by how much the loss would rise without a weight;
filter-norm, by the L1 norm of a weight's filter. Selections: deviation
(--quality); density, of each layer; global, of all layers together; filters,
whole ones of each layer; nm (--nm). A single --density means global, one per
layer means density, and with filter-norm it means filters.

Examples:
  $ torch-prune prune lenet-5 --weights dense.safetensors --density 0.08
  $ torch-prune prune lenet-300-100 --weights runs/dense/reference.safetensors \\
      --quality fc1=1.4,fc2=1.3,fc3=0.8 --rounds 3
  $ torch-prune prune lenet-5 --weights dense.safetensors --phases fc,conv
  $ torch-prune prune lenet-5 --weights dense.safetensors --nm 2:4 --layers fc`,
    )
    .action((model: string, options: PruneOptions & ProcessesOption) =>
      inProcesses(options, async (signal) => (await import('./prune_work.js')).prune(model, options, signal)),
    )
}

/** Reads `2:4`. */
function pattern(text: string): [n: number, m: number] {
  const found = /^\s*(\d{1,3})\s*:\s*(\d{1,3})\s*$/.exec(text)
  if (found) return [Number(found[1]), Number(found[2])]
  throw wrong('--nm', 'how many of how many, up to 64, as 2:4', text)
}

/** Reads names of layers, separated by commas, or a kind of layer. */
function layerList(text: string): string[] | 'conv' | 'fc' {
  const names = text.split(',').map((name) => name.trim())
  if (names[0] === '') throw wrong('--layers', 'conv, fc, or names as fc1,fc2', text)
  return names.length === 1 && (names[0] === 'conv' || names[0] === 'fc') ? names[0] : names
}
