import type { Command } from 'commander'
import { findRecipe, recipeNames } from '../recipes/registry.js'
import { withCompute } from './compute.js'
import { interruptible } from './interrupt.js'
import { type WorkOptions, withWorkOptions } from './options.js'

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('train a network, prune and retrain it by a recipe, and compare with the paper')
    .argument('<recipe>', `${recipeNames.join(', ')}, or the path of a recipe module or JSON file`)
  withWorkOptions(command, 'runs/<recipe>-<seed>')
    .option('--resume', 'go on after the last finished round of a run that was stopped')
    .addHelpText(
      'after',
      `
The folder then holds run.json, events.jsonl, reference.safetensors (dense),
model.safetensors (pruned) and checkpoint/. Ctrl-C finishes the step and keeps
the finished rounds; a second one ends at once.

Examples:
  $ torch-prune run lenet-300-100
  $ torch-prune run lenet-5 --seed 2 --device cuda --out runs/third
  $ torch-prune run my-recipe.json --data mnist/ --resume`,
    )
    .action((recipe: string, options: WorkOptions & { resume?: boolean }) =>
      interruptible(async (signal) => {
        const { runToTable } = await import('./work.js')
        await runToTable(withCompute(await findRecipe(recipe), options), options, signal)
      }),
    )
}
