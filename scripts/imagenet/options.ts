import { Command, Option } from 'commander'
import {
  densities,
  type ResumableOptions,
  real,
  type WorkOptions,
  whole,
  withResumableOptions,
  withWorkOptions,
} from '../../lib/internal.js'

/** The options of an experiment; the command line describes them. */
export interface ExperimentOptions extends WorkOptions, ResumableOptions {
  readonly model: string
  readonly weights?: string
  readonly epochs?: number
  readonly retrainEpochs?: number
  readonly rounds?: number
  readonly batchSize?: number
  readonly thresholds: 'sensitivity' | 'paper'
  readonly densities?: number[]
  readonly keep?: number
  readonly cacheVariants?: number
  readonly cacheDir?: string
  readonly smoke?: boolean
}

/** The command line of a script, which calls `run` with its options. */
export function experimentCommand(
  script: string,
  models: readonly string[],
  run: (options: ExperimentOptions) => Promise<void>,
): Command {
  const [model] = models
  const command = new Command(script)
    .configureOutput({ outputError: () => {} })
    .description(
      "The paper's experiment on ImageNet: dense training, sensitivity, thresholds, FC and CONV layers pruned and " +
        "retrained in turn, the paper's table.",
    )
    .addOption(new Option('--model <name>', 'which network').choices(models).default(model))
    .option(
      '--weights <file>',
      'start from these dense weights (safetensors, .pt, .pth), without dense training',
    )
    .option('--epochs <n>', 'epochs of dense training', whole('--epochs', 1))
    .option('--rounds <n>', 'how many times to prune and retrain', whole('--rounds', 1))
    .option(
      '--retrain-epochs <n>',
      'epochs of retraining for each kind of layer in a round',
      whole('--retrain-epochs', 1),
    )
    .option('--batch-size <n>', 'samples per step', whole('--batch-size', 1))
    .addOption(
      new Option(
        '--thresholds <from>',
        "solve for them from sensitivity, or use the shares in the paper's table",
      )
        .choices(['sensitivity', 'paper'])
        .default('sensitivity'),
    )
    .option('--densities <list>', 'shares of each layer to try in the sensitivity study', densities)
    .option(
      '--keep <x>',
      "share of all weights to keep (default: the paper's)",
      real('--keep', { over0: true, most: 1 }),
    )
    .option(
      '--cache-variants <n>',
      'cache this many augmented variants of the outputs of the frozen CONV layers, and retrain FC layers on those',
      whole('--cache-variants', 1),
    )
    .option('--cache-dir <dir>', 'folder for the cache, if it does not fit into memory')
    .option('--smoke', 'try every phase on generated images, in a folder that is removed afterward')
  return withResumableOptions(withWorkOptions(command, `runs/${script}`))
    .addHelpText(
      'after',
      `
--data is a folder with train/<class>/ and val/<class>/, or a file written by
torch-prune pack. The folder --out will contain dense/, sensitivity/, and a run
like that of torch-prune run: run.json, model.safetensors, report.html.

Examples:
  $ npx tsx scripts/${script}.ts --data imagenet.pack --weights net.pth
  $ npx tsx scripts/${script}.ts --data imagenet --resume
  $ npx tsx scripts/${script}.ts --smoke`,
    )
    .action(run)
}
