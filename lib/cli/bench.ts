import type { Command } from 'commander'
import type { BenchOptions } from './bench_work.js'
import { interruptible } from './interrupt.js'
import { jsonOption, maskOption } from './options.js'
import { real, whole } from './values.js'

export function define(command: Command): void {
  command
    .argument('<file>', 'a network file, such as model.safetensors of a run')
    .option('--model <name>', 'its network, for a file that holds no layer graph')
    .addOption(maskOption())
    .option('--batch <n>', 'samples that run together', whole('--batch', 1), 1)
    .option('--threads <n>', 'threads of each engine (default: all cores)', whole('--threads', 1))
    .option('--seconds <n>', 'for how long each engine runs, about', real('--seconds', { over0: true }), 2)
    .option('--out <dir>', 'keep the result in this folder, such as that of the run, with its report')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Engines take turns on the same samples: dense and csr are libtorch's, compiled
has each layer in the form that is fastest here, and onnxruntime runs the
network where the package onnxruntime-node is installed.

resident is measured for each engine by a process of its own: what its resident
memory has grown by when it has loaded the network into that engine and has run
it a few times, less what it was with the engine's library loaded alone.

With --out, the folder has bench.json and report.html, which draws the last
result there, below the run if there is one.

Example:
  $ torch-prune bench runs/lenet-300-100-0/model.safetensors --batch 8 \\
      --out runs/lenet-300-100-0`,
    )
    .action((file: string, options: BenchOptions) =>
      interruptible(async (signal) => {
        const { bench } = await import('./bench_work.js')
        await bench(file, options, signal)
      }),
    )
}
