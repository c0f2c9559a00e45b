import { Argument, type Command } from 'commander'
import { printJson } from './output.js'

export function define(command: Command): void {
  command
    .addArgument(new Argument('<what>', 'whose schema').choices(['recipe']))
    .addHelpText(
      'after',
      `
Editors check a file that names it: { "$schema": "./recipe.schema.json", … }

Example:
  $ torch-prune schema recipe > recipe.schema.json`,
    )
    .action(async () => {
      const { recipeSchema } = await import('../recipes/schema.js')
      printJson(await recipeSchema())
    })
}
