import { findRecipe, interruptible, nameProgram, reportFailure } from '../../lib/internal.js'
import { type ExperimentOptions, experimentCommand } from './options.js'

/** Runs a script's command line to its end. */
export async function runScript(script: string, models: readonly string[]): Promise<void> {
  nameProgram(`npx tsx scripts/${script}.ts`)
  const run = (options: ExperimentOptions) =>
    interruptible(async (signal) => {
      const recipe = await findRecipe(options.model)
      if (options.smoke) return (await import('./smoke.js')).smoke(recipe, options, signal)
      const { runExperiment } = await import('./experiment.js')
      await runExperiment(recipe, { out: `runs/${script}-${options.seed}`, ...options }, signal)
    })
  try {
    await experimentCommand(script, models, run).exitOverride().parseAsync()
  } catch (error) {
    process.exitCode = reportFailure(error)
  }
}
