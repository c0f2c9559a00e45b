import { type Command, Option } from 'commander'
import { adamOptions } from '../optim/spec.js'
import { bitsKind, quantizeOptions, valuesKind } from '../quantize/options.js'
import { settingsOptions } from '../train/options.js'
import { interruptible } from './interrupt.js'
import { maskOption } from './options.js'
import type { QuantizeOptions } from './quantize_work.js'
import { optionOf } from './table_option.js'
import { perLayer, real, whole } from './values.js'
import { withWorkOptions } from './work_options.js'

export function define(command: Command): void {
  command
    .argument('<file>', 'a network file of ours, such as model.safetensors of a run')
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .option('--recipe <name>', 'the recipe whose data it is trained on (default: MNIST)')
    .addOption(optionOf(quantizeOptions, 'scheme', 'few values that weights share, or 8 bits for ONNX'))
    .addOption(
      new Option('--values <n>', 'values in a layer: 32, or fc1=64,fc2=32, or conv=256,fc=32')
        .argParser(perLayer('--values', valuesKind))
        .conflicts(['bits', 'budgetBytes', 'budgetError']),
    )
    .addOption(
      new Option('--bits <n>', 'the same in bits: 5 is 32 values (default: 5)')
        .argParser(perLayer('--bits', bitsKind))
        .conflicts(['budgetBytes', 'budgetError']),
    )
    .addOption(
      new Option('--budget-bytes <n>', 'find numbers of values for which the network takes so many bytes')
        .argParser(real('--budget-bytes', { over0: true }))
        .conflicts('budgetError'),
    )
    .option(
      '--budget-error <points>',
      'find numbers of values that add so much error before retraining',
      real('--budget-error'),
    )
    .option('--epochs <n>', 'epochs of retraining; 0 for none', whole('--epochs', 0))
    .addOption(optionOf(adamOptions, 'lr', 'learning rate of retraining'))
    .addOption(optionOf(settingsOptions, 'batchSize', 'samples per step'))
    .addOption(optionOf(quantizeOptions, 'trains', 'what retraining trains: weights let fewer values do'))
    .addOption(
      optionOf(
        quantizeOptions,
        'price',
        'what a bit of the coded file costs, as 0.03: prunes weights too',
      ).implies({
        trains: 'weights',
      }),
    )
    .addOption(optionOf(quantizeOptions, 'biasValues', 'values that the biases of a layer share'))
    .addOption(optionOf(quantizeOptions, 'biases', 'what biases are rounded to'))
  withWorkOptions(command, new Option('--out <file>', 'file for the quantized network').makeOptionMandatory())
    .addHelpText(
      'after',
      `
Kept weights are put into clusters by k-means, and each takes the mean of its
cluster; pruned ones stay 0. The values are then trained by Adam, with the
network as it came for a teacher. The file that it writes holds beside each weight
<layer>.weight_index and <layer>.weight_codebook. Choices are made on the
validation part, errors of the test set are read at the end. With --scheme int8
weights are rounded to 255 levels in each output channel instead, and not trained:
an ONNX export of the file then stores one byte for each.

Examples:
  $ torch-prune quantize runs/a/model.safetensors --out small.safetensors --bits 5
  $ torch-prune quantize runs/a/model.safetensors --out small.safetensors \\
      --budget-bytes 30000 --biases float16
  $ torch-prune quantize runs/a/model.safetensors --out small.safetensors \\
      --values 4 --price 0.05 --bias-values 8
  $ torch-prune quantize runs/a/model.safetensors --out int8.safetensors --scheme int8`,
    )
    .action((file: string, options: QuantizeOptions) =>
      interruptible(async (signal) => {
        const { quantizeFile } = await import('./quantize_work.js')
        await quantizeFile(file, options, signal)
      }),
    )
}
