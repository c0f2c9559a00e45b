import { join } from 'node:path'
import { Checkpoint, type RunState } from '../runs/checkpoint.js'
import { REFERENCE_FILE } from '../runs/files.js'
import { OwnFolder } from '../runs/own_folder.js'
import { evaluate } from '../train/evaluate.js'
import { train } from '../train/train.js'
import { findOwnRun } from './folder.js'
import { type Note, noteEpoch, savedWithin } from './position.js'
import { type Recipe, readRecipe } from './recipe.js'
import {
  checkDense,
  logged,
  openSession,
  planOf,
  type Session,
  type SessionOptions,
  tellSkipped,
} from './session.js'
import { agreeOn, ownFolderOf } from './together.js'

/** Trains a session's network by its recipe's dense plan, and continues from where training was saved. */
export async function trainDense(session: Session, state: () => RunState, note: Note): Promise<void> {
  const { recipe, network, data, seed, group, signal, on } = session
  const epochs = train(network, data.train, {
    ...recipe.dense,
    seed,
    group,
    validation: data.validation,
    checkpoint: savedWithin(session, state, note),
    signal,
    onProgress: on.denseProgress?.bind(on),
  })
  for await (const epoch of epochs) {
    on.denseEpoch?.(epoch)
    await noteEpoch(note, { round: 0 }, epoch)
  }
}

export interface TrainedResult {
  readonly folder: string
  /** The file of the dense network. */
  readonly weights: string
  /** In percent. */
  readonly validationError: number
  readonly seconds: number
}

/**
 * Runs the first half of a recipe: trains the dense network, and writes it into a folder.
 *
 * @throws TorchPruneError, or the signal's reason if training is aborted, after its whole state is saved.
 */
export async function trainRecipe(recipe: Recipe, options: SessionOptions = {}): Promise<TrainedResult> {
  const opened = await openSession(readRecipe('trainRecipe', recipe), options)
  const { network, data, seed, autocast, signal, on } = opened
  const identity = { recipe: recipe.name, plan: planOf(opened.recipe, network), seed }
  const { resume = false, overwrite = false } = options
  checkDense(opened)
  await using mine = await ownFolderOf(opened, identity, resume)
  await using place = await OwnFolder.open(mine.folder)
  const found = await findOwnRun(place, identity, { resume, overwrite })
  await agreeOn(found, opened)
  const weights = join(place.folder, REFERENCE_FILE)
  if (found.kind === 'trained' && found.state) {
    const { referenceValidationError: validationError = 0, seconds } = found.state
    return { folder: place.folder, weights, validationError, seconds }
  }
  const session = { ...opened, folder: place.work }
  const { folder } = session
  const checkpoint = new Checkpoint(folder)
  const saved = resume && found.kind === 'unfinished' ? found.state : undefined
  return await logged(session, saved !== undefined, async (note) => {
    on.begun?.(found, place)
    const started = performance.now()
    const spent = () => (saved?.seconds ?? 0) + (performance.now() - started) / 1000
    const lost = await checkpoint.begin(saved !== undefined)
    if (lost) on.positionLost?.(lost)
    await trainDense(session, () => ({ schema: 1, ...identity, rounds: [], seconds: spent() }), note)
    const { top1Error } = await evaluate(network, data.validation, {
      loss: recipe.dense.loss,
      autocast,
      signal,
    })
    await network.save(join(folder, REFERENCE_FILE))
    const seconds = spent()
    const reached = { referenceValidationError: top1Error, denseOnly: true, seconds } as const
    await checkpoint.settle({ schema: 1, ...identity, rounds: [], ...reached })
    on.referenceReady?.(top1Error)
    tellSkipped(session)
    await place.finish()
    return { folder: place.folder, weights, validationError: top1Error, seconds }
  })
}
