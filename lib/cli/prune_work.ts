import { TorchPruneError } from '../base/errors.js'
import {
  type Criterion,
  deviation,
  filterNorm,
  fisher,
  globalDensity,
  layerDensity,
} from '../prune/criterion.js'
import type { Phases } from '../prune/phases.js'
import type { Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { withCompute } from './compute.js'
import type { CriterionName } from './criterion_names.js'
import type { MaskOption, ResumableOptions, WorkOptions } from './options.js'
import { runToTable } from './work.js'

export interface PruneOptions extends WorkOptions, ResumableOptions, MaskOption {
  readonly weights: string
  readonly density?: number | Readonly<Record<string, number>>
  readonly quality?: number | Readonly<Record<string, number>>
  readonly rounds?: number
  readonly retrainEpochs?: number
  readonly batchSize?: number
  readonly dropLast?: boolean
  readonly lr?: number
  readonly lrFactor?: number
  readonly criterion?: CriterionName
  readonly phases?: Phases
}

/** Prunes and retrains a trained network into a folder. */
export async function prune(model: string, options: PruneOptions, signal: AbortSignal): Promise<void> {
  const { paper: _, ...recipe } = withCompute(await findRecipe(model, 'model'), options)
  const named = withOptions({ ...recipe, name: `prune-${recipe.name}` }, options)
  await runToTable(named, options, signal)
}

function withOptions(recipe: Recipe, options: PruneOptions): Recipe {
  const { dense, prune: plan } = recipe
  const { lr = dense.optimizer.lr, rounds = plan.rounds, phases = plan.phases, batchSize, dropLast } = options
  const retrain = {
    ...plan.retrain,
    epochs: options.retrainEpochs ?? plan.retrain.epochs,
    lrFactor: options.lrFactor ?? plan.retrain.lrFactor,
    ...(batchSize !== undefined && { batchSize }),
    ...(dropLast !== undefined && { dropLast }),
  }
  return {
    ...recipe,
    dense: { ...dense, optimizer: { ...dense.optimizer, lr } },
    prune: {
      ...plan,
      criterion: criterionOf(options) ?? plan.criterion,
      ...(rounds !== undefined && { rounds }),
      ...(phases !== undefined && { phases }),
      retrain,
    },
  }
}

function criterionOf({ criterion, density, quality }: PruneOptions): Criterion | undefined {
  if (criterion === undefined) {
    if (quality !== undefined) return deviation(quality)
    if (typeof density === 'number') return globalDensity(density, { normalize: 'survivors' })
    return density && layerDensity(density)
  }
  if (criterion === 'deviation') return deviation(quality ?? missing(criterion, '--quality, as 1.2'))
  if (quality !== undefined) return missing(criterion, '--density, and --quality is for deviation')
  const shares = density ?? missing(criterion, '--density, as 0.1')
  if (criterion === 'layer') return layerDensity(shares)
  if (criterion === 'filter') return filterNorm(shares)
  const share =
    typeof shares === 'number' ? shares : missing(criterion, 'one --density for all layers, as 0.1')
  return criterion === 'fisher' ? fisher(share) : globalDensity(share, { normalize: 'survivors' })
}

function missing(criterion: CriterionName, what: string): never {
  throw new TorchPruneError('ERR_ARGUMENT', `--criterion ${criterion} needs ${what}`)
}
