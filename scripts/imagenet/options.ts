import { Command, Option } from 'commander'
import {
  type ResumableOptions,
  type WorkOptions,
  withResumableOptions,
  withWorkOptions,
} from '../../lib/cli/options.js'
import { densities, real, whole } from '../../lib/cli/values.js'

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

/** The command line of a script, which does `run` with its options. */
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
      'start from these dense weights (safetensors, .pt, .pth): nothing is trained dense',
    )
    .option('--epochs <n>', 'of dense training', whole('--epochs', 1))
    .option('--rounds <n>', 'times to prune and retrain', whole('--rounds', 1))
    .option(
      '--retrain-epochs <n>',
      'epochs of retraining for each kind of layer in a round',
      whole('--retrain-epochs', 1),
    )
    .option('--batch-size <n>', 'samples in a step', whole('--batch-size', 1))
    .addOption(
      new Option('--thresholds <from>', "solved from sensitivity, or the shares of the paper's table")
        .choices(['sensitivity', 'paper'])
        .default('sensitivity'),
    )
    .option('--densities <list>', 'shares of each layer to try in the study of sensitivity', densities)
    .option(
      '--keep <x>',
      "share of all weights to keep (default: the paper's)",
      real('--keep', { over0: true, most: 1 }),
    )
    .option(
      '--cache-variants <n>',
      'keep this many augmented variants of what the fixed CONV layers put out, and retrain FC layers on those',
      whole('--cache-variants', 1),
    )
    .option('--cache-dir <dir>', 'folder for those, where memory is short')
    .option('--smoke', 'try every phase on generated pictures, in a folder that goes afterwards')
  return withResumableOptions(withWorkOptions(command, `runs/${script}`))
    .addHelpText(
      'after',
      `
--data is a folder with train/<class>/ and val/<class>/, or a file that
torch-prune pack wrote. The folder --out then holds dense/, sensitivity/, and a
run as that of torch-prune run: run.json, model.safetensors, report.html.

Examples:
  $ npx tsx scripts/${script}.ts --data imagenet.pack --weights net.pth
  $ npx tsx scripts/${script}.ts --data imagenet --resume
  $ npx tsx scripts/${script}.ts --smoke`,
    )
    .action(run)
}
