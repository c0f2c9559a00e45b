import type { Command } from 'commander'
import { type ComputeOptions, computeOptions } from '../base/compute.js'
import type { Recipe } from '../recipes/recipe.js'
import { optionOf } from './table_option.js'

/** Adds `--memory-format` and `--autocast`. */
export function withComputeOptions(command: Command): Command {
  return command
    .addOption(
      optionOf(
        computeOptions,
        'memoryFormat',
        'how images and weights lie in memory (default: as in the recipe)',
      ),
    )
    .addOption(
      optionOf(computeOptions, 'autocast', 'the dtype that layers compute in (default: as in the recipe)'),
    )
}

/** Returns the recipe with the command line's options of computing in all its parts. */
export function withCompute<R extends Recipe>(recipe: R, { memoryFormat, autocast }: ComputeOptions): R {
  const given = { ...(memoryFormat && { memoryFormat }), ...(autocast && { autocast }) }
  const { dense, prune } = recipe
  return {
    ...recipe,
    dense: { ...dense, ...given },
    prune: { ...prune, retrain: { ...prune.retrain, ...given } },
  }
}
