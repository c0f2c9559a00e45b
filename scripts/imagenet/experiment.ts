import { join } from 'node:path'
import { z } from 'zod'
import { criteria, type Recipe } from '../../lib/index.js'
import {
  Checkpoint,
  commandWith,
  exists,
  makeNetwork,
  measureSensitivity,
  REFERENCE_FILE,
  readStored,
  runToTable,
  THRESHOLDS_FILE,
  trainToFile,
  withCompute,
} from '../../lib/internal.js'
import type { ExperimentOptions } from './options.js'

/** Runs all parts of the experiment into `out`; with `resume`, only those that are not done yet. */
export async function runExperiment(
  plain: Recipe,
  options: ExperimentOptions & { readonly out: string },
  signal: AbortSignal,
): Promise<void> {
  const recipe = withCompute(withOptions(plain, options), options)
  const weights = options.weights ?? (await denseWeights(recipe, options, signal))
  const densities =
    options.thresholds === 'paper'
      ? undefined
      : await solvedDensities(recipe, { ...options, weights }, signal)
  const { prune } = recipe
  const criterion = densities ? criteria.magnitude().density(densities) : prune.criterion
  await runToTable({ ...recipe, prune: { ...prune, criterion } }, { ...options, weights }, signal)
}

function withOptions(recipe: Recipe, options: ExperimentOptions): Recipe {
  const { dense, prune } = recipe
  const { epochs = dense.epochs, batchSize = dense.batchSize, rounds = prune.rounds ?? 1 } = options
  const { retrainEpochs = prune.retrain.epochs, cacheVariants, cacheDir } = options
  return {
    ...recipe,
    dense: { ...dense, epochs, batchSize },
    prune: {
      ...prune,
      rounds,
      retrain: {
        ...prune.retrain,
        epochs: retrainEpochs,
        ...(cacheVariants && { cachePrefix: true, cacheVariants, ...(cacheDir && { cacheDir }) }),
      },
    },
  }
}

async function denseWeights(
  recipe: Recipe,
  options: ExperimentOptions & { readonly out: string },
  signal: AbortSignal,
): Promise<string> {
  const out = join(options.out, 'dense')
  const weights = join(out, REFERENCE_FILE)
  const unfinished = await exists(new Checkpoint(out).position)
  if (options.resume && !unfinished && (await exists(weights))) return weights
  const named = { ...recipe, name: `train-${recipe.name}` }
  return (await trainToFile(named, { ...options, out }, signal)).weights
}

const solvedSchema = z.object({ densities: z.record(z.string(), z.number()) })

/** The share of each layer to keep, solved for as many weights in total as the paper keeps. */
async function solvedDensities(
  recipe: Recipe,
  options: ExperimentOptions & { readonly out: string; readonly weights: string },
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const out = join(options.out, 'sensitivity')
  const file = join(out, THRESHOLDS_FILE)
  const solved = options.resume && (await readStored(file, solvedSchema, 'remove it to measure them again'))
  if (solved) return solved.densities
  const budgetWeights = weightsToKeep(recipe, options.keep)
  const study = { ...options, out, budgetWeights, leastDensity: 0.01 }
  const { thresholds } = await measureSensitivity(recipe, study, signal, () => commandWith('--resume'))
  return thresholds!.densities
}

function weightsToKeep({ model, paper }: Recipe, share: number | undefined): number {
  using network = makeNetwork(model)
  const theirs = new Map(paper?.layers.map(({ name, density }) => [name, density]))
  const kept = network.costs.map(({ name, weights }) => weights * (share ?? theirs.get(name) ?? 1))
  return Math.round(kept.reduce((sum, weights) => sum + weights, 0))
}
