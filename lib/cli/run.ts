import type { Command } from 'commander'
import { findRecipe, recipeNames } from '../recipes/registry.js'
import { withCompute } from './compute.js'
import { inProcesses, type MaskOption, maskOption, type ProcessesOption, processesOption } from './options.js'
import { printJson } from './output.js'
import {
  type ResumableOptions,
  type WorkOptions,
  withResumableOptions,
  withWorkOptions,
} from './work_options.js'

interface RunCommandOptions extends WorkOptions, ResumableOptions, MaskOption, ProcessesOption {
  readonly weights?: string
  readonly printRecipe?: boolean
}

export function define(command: Command): void {
  command
    .argument('<recipe>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
    .option(
      '--weights <file>',
      'start from a trained network (safetensors, .pt, .pth) instead of training one',
    )
    .addOption(maskOption())
    .addOption(processesOption())
    .option('--print-recipe', 'print the whole recipe as JSON instead of running it')
  withResumableOptions(withWorkOptions(command, 'runs/<recipe>-<seed>'))
    .addHelpText(
      'after',
      `
The folder then has run.json, events.jsonl, reference.safetensors (dense),
model.safetensors (pruned) and checkpoint/. Ctrl-C finishes the step and saves
the whole state of training; --resume continues from there, bit for bit as if it
had not stopped. A second Ctrl-C ends the process at once.

Examples:
  $ torch-prune run lenet-300-100
  $ torch-prune run lenet-5 --seed 2 --device cuda --out runs/third
  $ torch-prune run vgg-16 --data imagenet.pack --checkpoint-minutes 30
  $ torch-prune run wrn-16-2 --nproc 4
  $ torchrun --nproc-per-node 4 --no-python torch-prune run wrn-16-2
  $ torch-prune run lenet-5 --print-recipe > my-recipe.json
  $ torch-prune run my-recipe.json --data mnist/ --resume`,
    )
    .action(async (name: string, options: RunCommandOptions) => {
      const recipe = withCompute(await findRecipe(name), options)
      if (options.printRecipe) {
        const { plainRecipe } = await import('../recipes/plain.js')
        return printJson(plainRecipe(recipe))
      }
      await inProcesses(options, async (signal) => {
        const { runToTable } = await import('./work.js')
        await runToTable(recipe, options, signal)
      })
    })
}
