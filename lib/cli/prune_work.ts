import { TorchPruneError } from '../base/errors.js'
import type { Criterion } from '../prune/criterion.js'
import type { Phases } from '../prune/phases.js'
import { criteria } from '../prune/score/index.js'
import type { Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { withCompute } from './compute.js'
import type { ScoreName, SelectionName } from './criterion_names.js'
import type { MaskOption, ResumableOptions, WorkOptions } from './options.js'
import { runToTable } from './work.js'

/** What is pruned, as commander hands it over. */
export interface CriterionOptions {
  readonly criterion?: ScoreName
  readonly select?: SelectionName
  readonly density?: number | Readonly<Record<string, number>>
  readonly quality?: number | Readonly<Record<string, number>>
  readonly nm?: readonly [n: number, m: number]
  readonly layers?: readonly string[] | 'conv' | 'fc'
}

export interface PruneOptions extends WorkOptions, ResumableOptions, MaskOption, CriterionOptions {
  readonly weights: string
  readonly rounds?: number
  readonly retrainEpochs?: number
  readonly batchSize?: number
  readonly dropLast?: boolean
  readonly lr?: number
  readonly lrFactor?: number
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

/** The criterion that options say; undefined where they say none. */
function criterionOf(options: CriterionOptions): Criterion | undefined {
  const { criterion, select = selectionOf(options), density, quality, nm, layers } = options
  const score = scoreOf(criterion)
  const within = layers && { layers }
  switch (select) {
    case 'deviation':
      return score.deviation(quality ?? needs(select, '--quality, as 1.2'), within)
    case 'nm':
      return score.nm(...(nm ?? needs(select, '--nm, as 2:4')), within)
    case 'density':
    case 'filters':
      return score[select](density ?? needs(select, '--density, as 0.1 or fc1=0.1,fc2=0.2'), within)
    case 'global': {
      const share =
        typeof density === 'number' ? density : needs(select, 'one --density for all layers, as 0.1')
      // Layers of small weights would be emptied first.
      return score.global(share, {
        normalize: score.score.kind === 'magnitude' ? 'survivors' : 'none',
        ...within,
      })
    }
    case undefined:
      if (criterion)
        return needs(criterion, '--density, --quality or --nm: how many weights stay', '--criterion')
      return layers && needs(String(layers), '--density, --quality or --nm', '--layers')
  }
}

/** The selection that is meant where none is named. */
function selectionOf({ criterion, density, quality, nm }: CriterionOptions): SelectionName | undefined {
  if (nm) return 'nm'
  if (quality !== undefined) return 'deviation'
  if (density === undefined) return undefined
  if (criterion === 'filter-norm') return 'filters'
  return typeof density === 'number' ? 'global' : 'density'
}

function scoreOf(name: ScoreName = 'magnitude') {
  if (name === 'fisher') return criteria.fisher()
  return name === 'filter-norm' ? criteria.filterNorm() : criteria.magnitude()
}

function needs(name: string, what: string, option = '--select'): never {
  throw new TorchPruneError('ERR_ARGUMENT', `${option} ${name} needs ${what}`)
}
