import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { jobThreads, setJobThreads } from '../binding/threads.js'
import { versions as allVersions } from '../binding/versions.js'
import type { DataSplits } from '../data/dataset.js'
import { TorchPruneError } from '../errors.js'
import { makeFolder } from '../io/atomic.js'
import { loadWeights } from '../io/network.js'
import type { AnyNetwork } from '../nn/network.js'
import { initialDeviations } from '../prune/mask.js'
import { parameterReport } from '../prune/neurons.js'
import { type PruneProgress, prune, type Round } from '../prune/prune.js'
import { EventLog, type NewRunEvent } from '../report/events.js'
import {
  type LayerRecord,
  RECORD_FILE,
  type RoundRecord,
  type RunRecord,
  writeRunRecord,
} from '../report/record.js'
import { type Evaluation, evaluate } from '../train/evaluate.js'
import { type Epoch, type TrainProgress, train } from '../train/train.js'
import { Checkpoint, type RunState } from './checkpoint.js'
import type { Recipe } from './recipe.js'

export interface RunOptions {
  /** Where the data is; each data set has a default or says what it needs. */
  readonly data?: string | undefined
  /** The run's folder; `runs/<recipe>-<seed>` unless given. */
  readonly out?: string | undefined
  readonly seed?: number | undefined
  readonly device?: string | undefined
  readonly threads?: number | undefined
  /** Goes on behind the last finished round of a run in the folder. */
  readonly resume?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly on?: RunListener | undefined
}

/** What a run tells while it works. */
export interface RunListener {
  denseProgress?(progress: TrainProgress): void
  denseEpoch?(epoch: Epoch): void
  resumed?(state: RunState): void
  referenceReady?(validationError: number): void
  pruneProgress?(progress: PruneProgress): void
  round?(round: Round): void
  testing?(done: number, total: number): void
}

export interface RunResult {
  readonly folder: string
  readonly record: RunRecord
}

/** Where a run goes unless told otherwise. */
export function defaultRunFolder(recipe: Recipe, seed: number): string {
  return join('runs', `${recipe.name}-${seed}`)
}

/**
 * Trains, prunes and retrains by a recipe, and leaves a run folder. Choices are made on the validation part;
 * the test set is read once, at the end, with each round's saved weights.
 *
 * @throws TorchPruneError; when aborted, the signal's reason, with everything up to the last finished round saved.
 */
export async function runRecipe(recipe: Recipe, options: RunOptions = {}): Promise<RunResult> {
  const { seed = 0, device = 'cpu', signal, on = {} } = options
  const folder = resolve(options.out ?? defaultRunFolder(recipe, seed))
  if (options.threads !== undefined) setJobThreads(options.threads)
  const network = recipe.model({ seed, device })
  const data = await recipe.data(options.data)
  await makeFolder(folder)
  const checkpoint = new Checkpoint(folder)
  const plan = JSON.stringify([recipe.dense, recipe.prune])
  const saved = await checkpoint.read()
  if (saved !== undefined && options.resume) checkPlan(saved, recipe, plan, seed, folder)
  await using log = await EventLog.open(folder)
  const note = (event: NewRunEvent) => log.append(event)
  const versions = allVersions()
  const threads = jobThreads()
  const resumed = saved !== undefined && options.resume === true
  await note({ event: 'start', recipe: recipe.name, seed, device, threads, resumed, versions })
  const started = performance.now()
  const sitting = () => (performance.now() - started) / 1000
  try {
    let state: RunState
    if (resumed) {
      state = saved
      on.resumed?.(state)
    } else {
      await rm(join(folder, RECORD_FILE), { force: true })
      await checkpoint.clear()
      const dense = train(network, data.train, {
        ...recipe.dense,
        seed,
        validation: data.validation,
        signal,
        onProgress: on.denseProgress,
      })
      for await (const epoch of dense) {
        on.denseEpoch?.(epoch)
        const { loss, lr: learningRate, validationError = 0, seconds, epochs } = epoch
        await note({
          event: 'epoch',
          round: 0,
          epoch: epoch.epoch,
          epochs,
          loss,
          learningRate,
          validationError,
          seconds,
        })
      }
      await network.save(join(folder, 'reference.safetensors'))
      const { top1Error } = await evaluate(network, data.validation, { signal })
      state = {
        schema: 1,
        recipe: recipe.name,
        plan,
        seed,
        referenceValidationError: top1Error,
        initialDeviations: { ...(await initialDeviations(network, signal)) },
        rounds: [],
        seconds: sitting(),
      }
      await checkpoint.write(state)
    }
    on.referenceReady?.(state.referenceValidationError)
    const before = resumed ? state.seconds : 0
    const last = state.rounds.length
    await loadWeights(
      network,
      last > 0 ? checkpoint.weights(last, 'retrained') : join(folder, 'reference.safetensors'),
    )
    const rounds = prune(network, data, {
      ...recipe.prune,
      retrain: { ...recipe.dense, ...recipe.prune.retrain },
      seed,
      signal,
      after: { round: last, initial: state.initialDeviations },
      onProgress: on.pruneProgress,
      onPruned: async (round, density) => {
        await network.save(checkpoint.weights(round, 'pruned'))
        await note({ event: 'prune', round, density })
      },
    })
    for await (const round of rounds) {
      const path = checkpoint.weights(round.round, 'retrained')
      await network.save(path)
      state = {
        ...state,
        rounds: [...state.rounds, { ...round, layers: [...round.layers] }],
        seconds: before + sitting(),
      }
      await checkpoint.write(state)
      const { density, compression, validationError, seconds } = round
      await note({ event: 'round', round: round.round, density, compression, validationError, seconds })
      await note({ event: 'checkpoint', round: round.round, path })
      on.round?.(round)
    }
    await network.save(join(folder, 'model.safetensors'))
    const tested = await testRun(network, data, folder, checkpoint, state, options)
    const record: RunRecord = {
      schema: 1,
      recipe: recipe.name,
      seed,
      device,
      threads,
      versions,
      ...tested,
      seconds: before + sitting(),
    }
    await writeRunRecord(folder, record)
    await note({ event: 'end', seconds: record.seconds })
    return { folder, record }
  } catch (error) {
    if (signal?.aborted) await note({ event: 'interrupt', reason: String(signal.reason) })
    else if (error instanceof TorchPruneError)
      await note({ event: 'error', code: error.code, message: error.message })
    throw error
  }
}

function checkPlan(state: RunState, recipe: Recipe, plan: string, seed: number, folder: string): void {
  if (state.recipe === recipe.name && state.plan === plan && state.seed === seed) return
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${folder} holds a run of recipe '${state.recipe}' with seed ${state.seed} that differs from this one: ` +
      'resume it with its own recipe and seed, or choose another --out',
  )
}

/** Reads the test set: the reference, each round before and after retraining, and the result by layer. */
async function testRun(
  network: AnyNetwork,
  data: DataSplits,
  folder: string,
  checkpoint: Checkpoint,
  state: RunState,
  { signal, on = {} }: RunOptions,
): Promise<Pick<RunRecord, 'reference' | 'pruned' | 'layers' | 'rounds'>> {
  const total = 2 * state.rounds.length + 1
  let done = 0
  const test = async (path: string, activations = false) => {
    on.testing?.(done++, total)
    await loadWeights(network, path)
    return evaluate(network, data.test, { signal, activations })
  }
  const manyClasses = network.nodes.at(-1)!.shape[0]! >= 100
  const errors = ({ top1Error, top5Error }: Evaluation) => ({ top1Error, ...(manyClasses && { top5Error }) })
  const reference = await test(join(folder, 'reference.safetensors'))
  const rounds: RoundRecord[] = []
  let final = reference
  for (const { round, density, compression, validationError } of state.rounds) {
    const before = await test(checkpoint.weights(round, 'pruned'))
    final = await test(checkpoint.weights(round, 'retrained'), round === state.rounds.length)
    rounds.push({
      round,
      density,
      compression,
      validationError,
      top1ErrorBefore: before.top1Error,
      ...errors(final),
    })
  }
  const { dense, kept, compression } = await parameterReport(network, signal)
  return {
    reference: { ...errors(reference), parameters: dense },
    pruned: { ...errors(final), parameters: kept, compression },
    layers: layerRecords(network, state, final),
    rounds,
  }
}

function layerRecords(network: AnyNetwork, state: RunState, { activations }: Evaluation): LayerRecord[] {
  const kept = new Map(state.rounds.at(-1)?.layers.map((layer) => [layer.name, layer]))
  const density = (name: string) => (name === 'input' ? activations.input : (activations.layers[name] ?? 1))
  return network.costs.map(({ name, kind, weights, flop }) => {
    const node = network.nodes.find((candidate) => candidate.name === name)!
    // The activations of a layer are what its non-linearity lets through, where it has one.
    const behind = network.nodes.find(({ layer, inputs }) => layer.kind === 'relu' && inputs.includes(name))
    const layer = kept.get(name) ?? { kept: weights, density: 1 }
    return {
      name,
      kind,
      weights,
      kept: layer.kept,
      density: layer.density,
      flop,
      activationDensity: density(behind?.name ?? name),
      flopShare: layer.density * density(node.inputs[0]!),
    }
  })
}
