import { type Command, Option } from 'commander'
import type { ComputeOptions, MemoryFormat } from '../base/compute.js'
import type { Recipe } from '../recipes/recipe.js'
import { wrong } from './values.js'

/** Adds `--memory-format` and `--autocast`. */
export function withComputeOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--memory-format <format>',
        'channels-last or contiguous: how images and weights lie in memory (default: as the recipe says)',
      ).argParser(memoryFormat),
    )
    .addOption(
      new Option(
        '--autocast <dtype>',
        'bfloat16 or none: what layers compute in (default: as the recipe says)',
      ).argParser(autocast),
    )
}

/** The recipe, computing in all its parts as the command line says. */
export function withCompute<R extends Recipe>(recipe: R, { memoryFormat, autocast }: ComputeOptions): R {
  const given = { ...(memoryFormat && { memoryFormat }), ...(autocast && { autocast }) }
  const { dense, prune } = recipe
  return {
    ...recipe,
    dense: { ...dense, ...given },
    prune: { ...prune, retrain: { ...prune.retrain, ...given } },
  }
}

function memoryFormat(text: string): MemoryFormat {
  if (text === 'contiguous') return text
  if (text === 'channels-last') return 'channelsLast'
  throw wrong('--memory-format', 'channels-last or contiguous', text)
}

function autocast(text: string): NonNullable<ComputeOptions['autocast']> {
  if (text === 'bfloat16' || text === 'none') return text
  throw wrong('--autocast', 'bfloat16 or none', text)
}
