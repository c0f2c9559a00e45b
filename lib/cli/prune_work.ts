import { TorchPruneError } from '../base/errors.js'
import type { Kind } from '../base/kind.js'
import type { Criterion } from '../prune/criterion.js'
import type { Phases } from '../prune/phases.js'
import { criteria } from '../prune/score/index.js'
import { type Scored, selectionKinds } from '../prune/select/index.js'
import type { Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { withCompute } from './compute.js'
import { scoreNames } from './criterion_names.js'
import type { MaskOption } from './options.js'
import { runToTable } from './work.js'
import type { ResumableOptions, WorkOptions } from './work_options.js'

/** The options of what to prune, as commander returns them. */
export interface CriterionOptions {
  readonly criterion?: string
  readonly select?: string
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

/** Prunes and retrains a trained network, and writes it into a folder. */
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

/** The criterion that the options describe; undefined if they describe none. */
function criterionOf(options: CriterionOptions): Criterion | undefined {
  const { criterion = 'magnitude', select = selectionOf(options), layers } = options
  if (select === undefined) {
    const what = '--density, --quality or --nm: how many weights stay'
    if (options.criterion) return needs(`--criterion ${options.criterion}`, what)
    return layers && needs(`--layers ${layers}`, what)
  }
  const score = (criteria[scoreNames.get(criterion)!] as () => Scored<Criterion['score']>)()
  const { given } = selectionKinds[select as keyof typeof selectionKinds]
  const values = Object.entries(given).map(([name, kind]) => argumentOf(name, kind, select, options))
  const choose = score[select as keyof typeof selectionKinds] as (...values: unknown[]) => Criterion
  return choose(...values, {
    // Without it, layers of small weights would be emptied first.
    ...(select === 'global' && criterion === 'magnitude' && { normalize: 'survivors' }),
    ...(layers && { layers }),
  })
}

/** The value of an argument of a selection. */
function argumentOf(
  name: string,
  kind: Kind<unknown>,
  select: string,
  { density, quality, nm }: CriterionOptions,
): unknown {
  const by = `--select ${select}`
  if (name === 'quality') return quality ?? needs(by, '--quality, as 1.2')
  if (name === 'density') {
    if (density !== undefined && kind.fits(density)) return density
    const forEach = kind.fits({})
    return needs(
      by,
      forEach ? '--density, as 0.1 or fc1=0.1,fc2=0.2' : 'one --density for all layers, as 0.1',
    )
  }
  return nm?.[name === 'n' ? 0 : 1] ?? needs(by, '--nm, as 2:4')
}

/** The selection that is meant if none is named. */
function selectionOf({ criterion, density, quality, nm }: CriterionOptions): string | undefined {
  if (nm) return 'nm'
  if (quality !== undefined) return 'deviation'
  if (density === undefined) return undefined
  if (criterion === 'filter-norm') return 'filters'
  return typeof density === 'number' ? 'global' : 'density'
}

function needs(option: string, what: string): never {
  throw new TorchPruneError('ERR_ARGUMENT', `${option} needs ${what}`)
}
