import { resolve } from 'node:path'
import type { Abortable } from '../base/abort.js'
import { makeFolder } from '../base/atomic.js'
import type { ComputeOptions } from '../base/compute.js'
import { TorchPruneError } from '../base/errors.js'
import type { LockOwner } from '../base/lock.js'
import type { OptionsOf } from '../base/option.js'
import { computeInJobs, jobThreads } from '../binding/threads.js'
import { type Versions, versions } from '../binding/versions.js'
import type { SkippedSample } from '../data/dataset.js'
import type { DataSplits } from '../data/splits.js'
import type { ProcessGroup } from '../distributed/process_group.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { graphToJson } from '../nn/stored_graph.js'
import type { LayerKept } from '../prune/mask.js'
import type { PruneProgress, RetrainEpoch } from '../prune/progress.js'
import { checkPruning } from '../prune/prune.js'
import type { Round } from '../prune/round.js'
import type { QuantizeEvent } from '../quantize/progress.js'
import { checkQuantizing } from '../quantize/quantize.js'
import { EventLog, type NewRunEvent } from '../runs/events.js'
import type { Device } from '../tensor/device.js'
import { checkSettings, checkTrainingSet } from '../train/check.js'
import { DEFAULT_LOSS } from '../train/losses.js'
import type { TrainProgress } from '../train/progress.js'
import { checkTargets } from '../train/samples.js'
import type { Epoch } from '../train/training.js'
import { readData } from './data.js'
import { CHECKPOINT_MINUTES } from './defaults.js'
import type { FoundRun } from './folder.js'
import { makeNetwork } from './model.js'
import type { sessionOptions } from './options.js'
import { originOf, withoutTeacher } from './origin.js'
import { ownDevice } from './own_device.js'
import { quantizingOf, type Recipe, retrainingOf } from './recipe.js'

export interface SessionOptions extends Abortable, OptionsOf<typeof sessionOptions> {
  /** Told what the run does. */
  readonly on?: RunListener | undefined
}

/** What a run tells while it works. */
export interface RunListener {
  /** All is checked and work begins; `found` is what the folder held of this run. */
  begun?(found: FoundRun, place: RunPlace): void
  /** Weights were read from a file; what each layer keeps of them. */
  loaded?(layers: readonly LayerKept[]): void
  denseProgress?(progress: TrainProgress): void
  denseEpoch?(epoch: Epoch): void
  /** The dense network is there, or was before. Percent. */
  referenceReady?(validationError: number): void
  pruneProgress?(progress: PruneProgress): void
  retrainEpoch?(epoch: RetrainEpoch): void
  round?(round: Round): void
  /** The values that weights share are being trained. */
  quantizeProgress?(progress: TrainProgress): void
  /** A stage of quantization is over. */
  quantized?(event: QuantizeEvent): void
  /** Training was saved on the way, in round 0 the dense one. */
  saved?(at: { readonly round: number; readonly epoch: number }): void
  /**
   * Where training stands could not be saved on the way because the disk is full, for the first time: it goes on, and
   * tries again the next time.
   */
  checkpointFailed?(error: unknown): void
  /** Samples of all parts that could not be read, and were left out. Told at the end, if there are any. */
  skipped?(samples: readonly SkippedSample[]): void
  /** The log is not whole: an event could not be written, for the first time, or an earlier line is damaged. */
  logFailed?(error: unknown): void
  /** Where training stood within an epoch cannot be read: the run goes on from what was saved before. */
  positionLost?(error: unknown): void
  /** The run is finished and saved, but its report could not be written. */
  reportFailed?(error: unknown): void
  /** Of `total` readings of the test set, `done` are over. */
  testing?(done: number, total: number): void
}

/** Where a run works. */
export interface RunPlace {
  readonly folder: string
  /** The process that worked there before, where it died without a word. */
  readonly before: LockOwner | undefined
  /** Where the run works: a folder inside its own while another run stays there until this one is done. */
  readonly work: string
}

/** A recipe put to work: its network and data, and the run's folder. */
export interface Session {
  readonly recipe: Recipe
  readonly network: AnyNetwork
  readonly data: DataSplits
  readonly folder: string
  readonly seed: number
  readonly device: Device
  readonly threads: number
  readonly versions: Versions
  /** What is read of networks is computed as they are trained. */
  readonly autocast: ComputeOptions['autocast']
  readonly checkpointMinutes: number
  /** The folder or file of the data, and the command, if they were given. */
  readonly dataPath: string | undefined
  readonly command: string | undefined
  /** The processes that run it together, each of them with a session of its own. */
  readonly group: ProcessGroup | undefined
  readonly signal: AbortSignal | undefined
  readonly on: RunListener
}

/** Where a run goes unless told otherwise. */
export function defaultRunFolder(recipe: Pick<Recipe, 'name'>, seed: number): string {
  return `runs/${recipe.name}-${seed}`
}

/** All that decides what a run computes, but for its seed. */
export function planOf(recipe: Recipe, network: AnyNetwork): string {
  const { dense, prune, quantize, code } = recipe
  const rest = [quantize, code].filter((plan) => plan !== undefined)
  return JSON.stringify([graphToJson(network), dense, prune, ...rest], withoutTeacher)
}

/** Makes the network on its device and reads the data: whatever is wrong shows now, and no file is touched. */
export async function openSession(recipe: Recipe, options: SessionOptions): Promise<Session> {
  const { seed = 0, checkpointMinutes = CHECKPOINT_MINUTES, group, signal, on = {} } = options
  const folder = resolve(options.out ?? defaultRunFolder(recipe, seed))
  if (options.threads !== undefined) computeInJobs(options.threads)
  const device = ownDevice(options.device ?? 'cpu', 'device', group)
  const network = makeNetwork(recipe.model, { seed, device })
  checkPruning(network, { ...recipe.prune, retrain: retrainingOf(recipe) })
  if (recipe.quantize) checkQuantizing(network, quantizingOf(recipe, recipe.quantize))
  const data = await readData(recipe.data, options.data)
  const { loss = DEFAULT_LOSS } = recipe.dense
  checkTargets(network, data.train, loss, 'the training set')
  checkTargets(network, data.validation, loss, 'the validation set')
  checkTargets(network, data.test, loss, 'the test set')
  const { memoryFormat } = recipe.dense
  if (memoryFormat) await network.setMemoryFormat(memoryFormat, signal)
  signal?.throwIfAborted()
  return {
    recipe,
    network,
    data,
    folder,
    seed,
    device,
    threads: jobThreads(),
    versions: versions(),
    autocast: recipe.dense.autocast,
    checkpointMinutes,
    dataPath: options.data,
    command: options.command,
    group,
    signal,
    on,
  }
}

/** Throws where the dense plan of a session cannot work on its network and data. */
export function checkDense({ recipe: { dense }, network, data }: Session): void {
  checkTrainingSet(network, data.train, dense, checkSettings(network, dense))
}

/** The same of its pruning and retraining. */
export function checkRetraining({ recipe, network, data }: Session): void {
  checkPruning(network, { ...recipe.prune, retrain: retrainingOf(recipe) }, data)
  if (recipe.quantize) checkQuantizing(network, quantizingOf(recipe, recipe.quantize), data)
}

/** Tells of what could not be read of a session's data. */
export function tellSkipped({ data, on }: Pick<Session, 'data' | 'on'>): readonly SkippedSample[] {
  const skipped = [data.train, data.validation, data.test].flatMap((part) => part.skipped)
  if (skipped.length > 0) on.skipped?.(skipped)
  return skipped
}

/** Makes the folder and logs what `work` notes in it, and how it ended. */
export async function logged<Result extends { readonly seconds: number }>(
  session: Session,
  resumed: boolean,
  work: (note: (event: NewRunEvent) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const { recipe, folder, seed, device, threads, versions, signal, on } = session
  await makeFolder(folder)
  await using log = await EventLog.open(folder)
  for (const error of log.damage) on.logFailed?.(error)
  let failed = false
  const note = (event: NewRunEvent) =>
    log.append(event).catch((error: unknown) => {
      if (!failed) on.logFailed?.(error)
      failed = true
    })
  const start = { recipe: recipe.name, seed, device, threads, resumed, versions }
  await note({ event: 'start', ...start, ...originOf(session) })
  try {
    const result = await work(note)
    await note({ event: 'end', seconds: result.seconds })
    return result
  } catch (error) {
    if (signal?.aborted) await note({ event: 'interrupt', reason: String(signal.reason) })
    else if (error instanceof TorchPruneError) {
      await note({ event: 'error', code: error.code, message: error.message })
    }
    throw error
  }
}
