import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { readOptions } from '../base/option.js'
import { loadWeights } from '../nn/weights_file.js'
import type { WeightsOptions } from '../nn/zeros.js'
import { initialDeviations, keptWeights } from '../prune/mask.js'
import { phasesOf } from '../prune/phases.js'
import { prune } from '../prune/prune.js'
import { Checkpoint, isPruning, type PruningState, type RunState } from '../runs/checkpoint.js'
import { MODEL_FILE, REFERENCE_FILE } from '../runs/files.js'
import { OwnFolder } from '../runs/own_folder.js'
import { type RunRecord, writeRunRecord } from '../runs/record.js'
import { evaluate, predict } from '../train/evaluate.js'
import { readNote } from '../train/training_file.js'
import { codeRun } from './coding.js'
import { trainDense } from './dense.js'
import { findOwnRun } from './folder.js'
import { runOptions } from './options.js'
import { readOutcome } from './outcome.js'
import { type Note, noteEpoch, savedWithin } from './position.js'
import { quantizeRun } from './quantizing.js'
import { type Recipe, readRecipe, retrainingOf } from './recipe.js'
import {
  checkDense,
  checkRetraining,
  logged,
  openSession,
  planOf,
  type Session,
  type SessionOptions,
  tellSkipped,
} from './session.js'
import { agreeOn, ownFolderOf } from './together.js'

export { defaultRunFolder, type RunListener } from './session.js'

export interface RunOptions extends SessionOptions {
  /** A dense network's file to start from; it is trained by the recipe unless given. */
  readonly weights?: string | undefined
  /** How that file is read. */
  readonly mask?: WeightsOptions['mask']
}

export interface RunResult {
  readonly folder: string
  readonly record: RunRecord
}

/**
 * Trains, prunes and retrains by a recipe, and leaves a run folder. Choices are made on the validation part;
 * the test set is read once, at the end, with each round's saved weights.
 *
 * @throws TorchPruneError `ERR_OUTPUT` for a folder with a run, unless it is this one and `resume` is set, or
 * `overwrite`; `ERR_BUSY` while another process works in it; when aborted, the signal's reason, with everything up to
 * the step it was in saved.
 */
export async function runRecipe(recipe: Recipe, options: RunOptions = {}): Promise<RunResult> {
  const whole = readRecipe('runRecipe', recipe)
  readOptions('runRecipe', runOptions, options)
  const { weights, mask } = options
  if (weights === undefined && mask !== undefined) {
    throw new TorchPruneError('ERR_ARGUMENT', 'mask says how a file of weights is read: give weights too')
  }
  const opened = await openSession(whole, options)
  const { network, seed, on } = opened
  const identity = { recipe: whole.name, plan: planOf(whole, network), seed }
  const { resume = false, overwrite = false } = options
  if (weights === undefined) checkDense(opened)
  checkRetraining(opened)
  const own = weights !== undefined && resolve(weights) === join(opened.folder, REFERENCE_FILE)
  await using mine = await ownFolderOf(opened, identity, resume)
  await using place = await OwnFolder.open(mine.folder)
  const found = await findOwnRun(place, identity, { resume, overwrite, own })
  await agreeOn(found, opened)
  if (found.kind === 'finished') return { folder: place.folder, record: found.record }
  const session = { ...opened, folder: place.work }
  const { folder } = session
  const saved = resume && found.kind === 'unfinished' ? found.state : undefined
  const loads = !(saved && isPruning(saved)) && weights !== undefined
  if (loads) await loadWeights(network, weights, { mask })

  return await logged(session, saved !== undefined, async (note) => {
    on.begun?.(found, place)
    if (loads) on.loaded?.(await keptWeights(network, session.signal))
    const started = performance.now()
    const before = saved?.seconds ?? 0
    const spent = () => before + (performance.now() - started) / 1000
    const lost = await new Checkpoint(folder).begin(saved !== undefined)
    if (lost) on.positionLost?.(lost)
    const begun: RunState = saved ?? { schema: 1, ...identity, rounds: [], seconds: 0 }
    if (!isPruning(begun) && weights === undefined) {
      await trainDense(session, () => ({ ...begun, seconds: spent() }), note)
    }
    const reference = isPruning(begun) ? begun : await saveReference(session, begun, spent)
    on.referenceReady?.(reference.referenceValidationError)
    const state = await pruneAndRetrain(session, reference, note, spent)
    await network.save(join(folder, MODEL_FILE))
    const quantized = whole.quantize && (await quantizeRun(session, whole.quantize, note))
    if (whole.code) await codeRun(session, whole.code)
    const outcome = await readOutcome(session, state, quantized)
    const skipped = tellSkipped(session).length
    const seconds = spent()
    const phases = phasesOf(network, whole.prune.phases)
    const record: RunRecord = {
      schema: 1,
      recipe: whole.name,
      seed,
      ...{ device: session.device, threads: session.threads, versions: session.versions },
      ...outcome,
      ...(phases.length > 1 && { phases: [...phases] }),
      ...(recipe.paper && { paper: recipe.paper }),
      ...(skipped > 0 && { skipped }),
      seconds,
    }
    await writeRunRecord(folder, record)
    await report(session)
    await place.finish()
    return { folder: place.folder, record, seconds }
  })
}

/** The run is whole without its report, so what goes wrong there does not fail it. */
async function report({ folder, on }: Session): Promise<void> {
  try {
    // Charts and pictures take a moment to load, which only a finished run has to wait for.
    const { writeReport } = await import('../report/report.js')
    await writeReport(folder)
  } catch (error) {
    on.reportFailed?.(error)
  }
}

/** Saves the dense network, and what pruning wants to know of it. */
async function saveReference(
  { recipe, network, data, folder, autocast, signal }: Session,
  { within: _, ...begun }: RunState,
  spent: () => number,
): Promise<PruningState> {
  const { loss } = recipe.dense
  const { top1Error } = await evaluate(network, data.validation, { loss, autocast, signal })
  const initial = { ...(await initialDeviations(network, signal)) }
  await network.save(join(folder, REFERENCE_FILE))
  const state = {
    ...begun,
    referenceValidationError: top1Error,
    initialDeviations: initial,
    seconds: spent(),
  }
  await new Checkpoint(folder).settle(state)
  return state
}

/** Does the rounds behind the ones in `from`, saving after each, and on the way. */
async function pruneAndRetrain(
  session: Session,
  from: PruningState,
  note: Note,
  spent: () => number,
): Promise<PruningState> {
  const { recipe, network, data, folder, seed, autocast, group, signal, on } = session
  const checkpoint = new Checkpoint(folder)
  let { within: _, ...state } = from
  const last = state.rounds.length
  await loadWeights(network, join(folder, REFERENCE_FILE))
  const phases = phasesOf(network, recipe.prune.phases)
  const { distillation } = recipe.prune.retrain
  // The dense network teaches, also when the run goes on behind a round.
  const teacher =
    distillation && (distillation.teacher ?? (await predict(network, data.train, { autocast, signal })))
  if (last > 0) await loadWeights(network, checkpoint.retrained(last))
  // Left by the dense training, where a run ended between writing that it was over and removing this.
  const left = await readNote(checkpoint.position)
  if (left && left.round === undefined) await rm(checkpoint.position)
  const rounds = prune(network, data, {
    ...recipe.prune,
    retrain: {
      cacheDir: folder,
      ...retrainingOf(recipe),
      ...(teacher && { distillation: { ...distillation, teacher } }),
    },
    seed,
    group,
    signal,
    after: { round: last, initial: from.initialDeviations },
    checkpoint: savedWithin(session, () => ({ ...state, seconds: spent() }), note),
    onProgress: on.pruneProgress?.bind(on),
    onPruned: async (round, density, { phase, index }) => {
      await network.save(checkpoint.pruned(round, index))
      await note({ event: 'prune', round, density, ...(phases.length > 1 && { phase }) })
    },
    onEpoch: async (epoch) => {
      on.retrainEpoch?.(epoch)
      await noteEpoch(note, epoch, epoch)
    },
  })
  for await (const each of rounds) {
    const { validation: _, ...round } = each
    const path = checkpoint.retrained(round.round)
    await network.save(path)
    state = { ...state, rounds: [...state.rounds, { ...round, layers: [...round.layers] }], seconds: spent() }
    await checkpoint.settle(state)
    const { density, compression, validationError, seconds } = round
    await note({ event: 'round', round: round.round, density, compression, validationError, seconds })
    await note({ event: 'checkpoint', round: round.round, path })
    on.round?.(each)
  }
  return state
}
