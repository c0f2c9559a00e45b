import { TorchPruneError } from '../base/errors.js'
import { type ProcessGroup, processGroup } from '../distributed/process_group.js'
import type { Averaging } from '../optim/averaging.js'
import { l2 } from '../optim/regularization.js'
import { cosine } from '../optim/schedule.js'
import { sgd } from '../optim/spec.js'
import { type TrainedResult, trainRecipe } from '../recipes/dense.js'
import type { DensePlan, Recipe } from '../recipes/recipe.js'
import { findRecipe } from '../recipes/registry.js'
import { Checkpoint } from '../runs/checkpoint.js'
import { losses } from '../train/losses.js'
import { withCompute } from './compute.js'
import { Interrupted } from './failure.js'
import { anotherCommand, commandWith } from './interrupt.js'
import { print, printJson } from './output.js'
import { reporterFor } from './progress.js'
import { followRun } from './run_progress.js'
import { announce, beginning, fromHere, shown, speaksForAll } from './work.js'
import type { ResumableOptions, WorkOptions } from './work_options.js'

export interface TrainOptions extends WorkOptions, ResumableOptions {
  readonly epochs?: number
  readonly batchSize?: number
  readonly dropLast?: boolean
  readonly lr?: number
  readonly momentum?: number
  readonly weightDecay?: number
  readonly l2?: number
  readonly labelSmoothing?: number
  readonly warmup?: number
  readonly averaging?: Averaging
}

/** The options that `prune` takes as well. */
const KEPT = [
  '--data',
  '--seed',
  '--device',
  '--threads',
  '--memory-format',
  '--autocast',
  '--lr',
  '--batch-size',
]

/** Trains a model's dense network, and writes it into a folder. */
export async function train(model: string, options: TrainOptions, signal: AbortSignal): Promise<void> {
  const { name, ...recipe } = withCompute(await findRecipe(model, 'model'), options)
  const named: Recipe = { ...recipe, name: `train-${name}`, dense: withOptions(recipe.dense, options) }
  const group = await processGroup({ signal })
  const first = speaksForAll(group)
  const result = await trainToFile(named, first ? options : { ...options, quiet: true }, signal, group)
  const { weights } = result
  if (!first) return
  if (options.json) return printJson({ kind: 'training', ...result })
  if (options.quiet) return
  print(`The dense network is in ${shown(weights)}; prune it with:`)
  print(`  ${anotherCommand(['prune', model, '--weights', fromHere(weights)], KEPT)}`)
}

/** Trains a recipe's dense network, and shows its progress. */
export async function trainToFile(
  recipe: Recipe,
  options: WorkOptions & ResumableOptions,
  signal: AbortSignal,
  group?: ProcessGroup,
): Promise<TrainedResult> {
  using reporter = reporterFor(options)
  const follow = followRun(reporter)
  let into: string | undefined
  let saved = false
  try {
    const result = await trainRecipe(recipe, {
      ...options,
      group,
      command: commandWith(),
      signal,
      on: {
        ...follow,
        begun(found, place) {
          into = place.work
          announce(reporter, recipe, options, place.folder)
          saved = options.resume === true && found.kind === 'unfinished'
          for (const how of beginning(found, place, options.resume ?? false)) reporter.line(how)
        },
        saved() {
          saved = true
        },
      },
    })
    if (into === undefined)
      reporter.line(`This training is finished: nothing is left to do in ${shown(result.folder)}`)
    return result
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    if (!speaksForAll(group)) throw new Interrupted('interrupted')
    if (into === undefined) throw new Interrupted('interrupted before the training began')
    if (!saved) throw new Interrupted('interrupted before the first step: nothing was saved')
    const { position } = new Checkpoint(into)
    throw new Interrupted(
      `interrupted: the weights so far are in ${shown(position)}; continue with: ${commandWith('--resume')}`,
    )
  }
}

function withOptions(plan: DensePlan, options: TrainOptions): DensePlan {
  const { lr, momentum, weightDecay, labelSmoothing, warmup, averaging } = options
  let { optimizer } = plan
  if (lr !== undefined) optimizer = { ...optimizer, lr }
  if (weightDecay !== undefined) optimizer = { ...optimizer, weightDecay }
  if (momentum !== undefined) {
    if (optimizer.kind !== 'sgd') {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `--momentum is for SGD, and this recipe trains with ${optimizer.kind}`,
      )
    }
    optimizer = sgd({ ...optimizer, momentum, nesterov: optimizer.nesterov && momentum > 0 })
  }
  return {
    ...plan,
    optimizer,
    epochs: options.epochs ?? plan.epochs,
    batchSize: options.batchSize ?? plan.batchSize,
    dropLast: options.dropLast ?? plan.dropLast,
    ...(labelSmoothing !== undefined && {
      loss: { ...losses.crossEntropy(), ...plan.loss, labelSmoothing },
    }),
    ...(warmup !== undefined && { schedule: cosine({ warmup }) }),
    ...(averaging && { averaging }),
    regularization: options.l2 === undefined ? plan.regularization : l2(options.l2),
  }
}
