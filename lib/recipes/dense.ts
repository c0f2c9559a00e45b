import { join } from 'node:path'
import type { NewRunEvent } from '../report/events.js'
import { evaluate } from '../train/evaluate.js'
import { train } from '../train/train.js'
import { Checkpoint } from './checkpoint.js'
import { checkFolder, findRun, REFERENCE_FILE } from './folder.js'
import type { Recipe } from './recipe.js'
import { logged, openSession, planOf, type Session, type SessionOptions } from './session.js'

/** Trains a session's network by its recipe's dense plan. */
export async function trainDense(
  { recipe, network, data, seed, signal, on }: Session,
  note: (event: NewRunEvent) => Promise<void>,
): Promise<void> {
  const epochs = train(network, data.train, {
    ...recipe.dense,
    seed,
    validation: data.validation,
    signal,
    onProgress: on.denseProgress?.bind(on),
  })
  for await (const epoch of epochs) {
    on.denseEpoch?.(epoch)
    const { lr: learningRate, trainError: _, samplesPerSecond: __, ...event } = epoch
    await note({ event: 'epoch', round: 0, learningRate, ...event })
  }
}

export interface TrainedResult {
  readonly folder: string
  /** The dense network's file. */
  readonly weights: string
  /** Percent. */
  readonly validationError: number
  readonly seconds: number
}

/**
 * The first half of a recipe alone: trains the dense network and leaves it in a folder.
 *
 * @throws TorchPruneError; when aborted, the signal's reason, with the weights so far in `interruptedWeights()`.
 */
export async function trainRecipe(recipe: Recipe, options: SessionOptions = {}): Promise<TrainedResult> {
  const session = await openSession(recipe, options)
  const { network, data, folder, seed, signal, on } = session
  const found = await findRun(folder)
  checkFolder(folder, found, { recipe: recipe.name, plan: planOf(recipe, network), seed }, {})
  return logged(session, false, async (note) => {
    on.begun?.(folder, found)
    const started = performance.now()
    try {
      await trainDense(session, note)
      const { top1Error } = await evaluate(network, data.validation, { signal })
      const weights = join(folder, REFERENCE_FILE)
      await network.save(weights)
      on.referenceReady?.(top1Error)
      return { folder, weights, validationError: top1Error, seconds: (performance.now() - started) / 1000 }
    } catch (error) {
      if (signal?.aborted) await saveInterrupted(session)
      throw error
    }
  })
}

async function saveInterrupted({ network, folder }: Session): Promise<void> {
  await new Checkpoint(folder).clear()
  await network.save(interruptedWeights(folder))
}

/** Where training that was stopped leaves its weights. */
export function interruptedWeights(folder: string): string {
  return join(new Checkpoint(folder).folder, 'interrupted.safetensors')
}
