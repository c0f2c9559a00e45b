import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../base/abort.js'
import { processorName } from '../base/cores.js'
import { messageOf, TorchPruneError } from '../base/errors.js'
import { product } from '../base/lists.js'
import type { LayerForm, Session } from '../infer/session.js'
import type { AnyNetwork } from '../nn/any_network.js'
import type { Network } from '../nn/network.js'
import type { BenchRecord, EngineLatency, EngineName, LayerLatency } from '../runs/bench_record.js'
import { loadRuntime, openInRuntime, type RunningNetwork, someSamples } from './engines.js'
import { type EngineFile, measureResident, type Resident } from './resident.js'

/** How fast a network runs here, in the engines that are there. */
export type Latency = Omit<BenchRecord, 'schema' | 'file' | 'made'>

export interface LatencyOptions {
  readonly batch: number
  readonly threads: number
  /** For how long each engine runs, about. */
  readonly seconds: number
  /**
   * Whether a process of its own loads each engine, to see what memory it takes.
   * @default false
   */
  readonly resident?: boolean
  readonly signal?: AbortSignal | undefined
  readonly onEngine?: (name: EngineName) => void
}

interface Engine extends RunningNetwork {
  readonly name: EngineName
  readonly bytes: number
  readonly library: EngineFile['library']
  /** Writes the file that another process loads. */
  readonly write: (file: string) => Promise<void>
}

const TURN_MS = 100
const REST_MS = 30
const FEWEST_TURNS = 4

/** Measures engines on the same samples. They take turns. */
export async function measureLatency(network: AnyNetwork, options: LatencyOptions): Promise<Latency> {
  const { batch, threads, signal } = options
  const bytes = batch * product(network.inputShape) * 4
  if (bytes > totalmem()) {
    const gigabytes = (of: number) => `${(of / 1e9).toFixed(1)} GB`
    const what = `${batch} samples take ${gigabytes(bytes)}, and this machine has ${gigabytes(totalmem())}`
    throw new TorchPruneError('ERR_ARGUMENT', `${what}: give a smaller batch`)
  }
  const samples = someSamples(batch * product(network.inputShape))
  const engines: Engine[] = []
  const missing: Partial<Record<EngineName, string>> = {}
  const residents = new Map<Engine, Resident>()
  const add = async (engine: Engine) => {
    engines.push(engine)
    if (options.resident) residents.set(engine, await residentOf(engine, network.inputShape, options))
  }
  try {
    const session = async (name: EngineName, forms: LayerForm[]) => {
      options.onEngine?.(name)
      const made = await (network as Network).compile({ batch, threads, forms, signal })
      await add(ofSession(name, made))
      return made
    }
    await session('dense', ['dense'])
    await session('csr', ['csr'])
    const compiled = await session('compiled', [])
    options.onEngine?.('onnxruntime')
    const rival = await ofRuntime(network as Network, batch, threads, samples)
    if (typeof rival === 'string') missing.onnxruntime = rival
    else await add(rival)
    const times = await race(engines, samples, options)
    const found = engines.map((engine) => ({ engine, resident: residents.get(engine) }))
    return {
      machine: `${processorName() ?? 'unknown processor'}, ${cpus().length} cores`,
      threads,
      batch,
      engines: Object.fromEntries(
        found.map(({ engine, resident }) => [
          engine.name,
          summary(engine, times.get(engine)!, resident, batch),
        ]),
      ),
      layers: layersOf(compiled),
      missing,
      missingResident: Object.fromEntries(
        found.flatMap(({ engine, resident }) =>
          resident && 'error' in resident ? [[engine.name, resident.error]] : [],
        ),
      ),
    }
  } finally {
    for (const engine of engines) engine.close()
  }
}

function ofSession(name: EngineName, session: Session): Engine {
  return {
    name,
    bytes: session.bytes,
    library: 'torch-prune',
    write: (file) => session.save(file),
    run: (samples) => session.runBatch(samples),
    close: () => session.dispose(),
  }
}

/** onnxruntime with the same network, or why it is not there. */
async function ofRuntime(
  network: Network,
  batch: number,
  threads: number,
  samples: Float32Array,
): Promise<Engine | string> {
  const runtime = await loadRuntime()
  if (runtime === undefined) return 'the package onnxruntime-node is not installed'
  const write = async (file: string) => void (await network.export(file))
  try {
    const running = await withFolder(async (folder) => {
      const file = join(folder, 'network.onnx')
      await write(file)
      return openInRuntime(runtime, file, [batch, ...network.inputShape], threads)
    })
    await running.run(samples)
    const bytes = 4 * network.parameterCount
    return { name: 'onnxruntime', bytes, library: 'onnxruntime', write, ...running }
  } catch (error) {
    return `onnxruntime does not run it: ${firstLine(error)}`
  }
}

/** The memory of an engine, in a process of its own that loads what is timed here. */
async function residentOf(
  { library, write }: Engine,
  inputShape: readonly number[],
  { batch, threads, signal }: LatencyOptions,
): Promise<Resident> {
  try {
    return await withFolder(async (folder) => {
      const file = join(folder, library === 'onnxruntime' ? 'network.onnx' : 'network.safetensors')
      await write(file)
      return measureResident({ library, file, shape: [batch, ...inputShape], threads }, signal)
    })
  } catch (error) {
    // Such as a disk that is full: the times are worth having without it.
    return { error: firstLine(error) }
  } finally {
    throwIfAborted(signal)
  }
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'torch-prune-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]!
}

/**
 * The milliseconds of each run. Engines take turns, so that a machine that slows down favors none; between turns they
 * rest, since threads go on waiting busily for a while after their work.
 */
async function race(engines: readonly Engine[], samples: Float32Array, { seconds, signal }: LatencyOptions) {
  const times = new Map<Engine, number[]>(engines.map((engine) => [engine, []]))
  for (let turn = 0; turn < FEWEST_TURNS || turn * TURN_MS < 1000 * seconds; turn++) {
    for (const engine of turn % 2 === 0 ? engines : engines.toReversed()) {
      throwIfAborted(signal)
      await sleep(REST_MS)
      await engine.run(samples)
      const until = performance.now() + TURN_MS
      do {
        const began = performance.now()
        await engine.run(samples)
        times.get(engine)!.push(performance.now() - began)
      } while (performance.now() < until)
    }
  }
  return times
}

function summary(
  { bytes }: Engine,
  times: readonly number[],
  resident: Resident | undefined,
  batch: number,
): EngineLatency {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
  const mean = times.reduce((all, time) => all + time, 0) / times.length
  return {
    p50: at(0.5),
    p99: at(0.99),
    throughput: (1000 * batch) / mean,
    ...(resident && 'bytes' in resident && { resident: resident.bytes }),
    bytes,
  }
}

function layersOf(session: Session): LayerLatency[] {
  return session.layers.map(({ name, density, form, milliseconds, breakEven }) => ({
    name,
    density,
    form,
    dense: milliseconds.dense!,
    chosen: milliseconds[form]!,
    breakEven,
  }))
}
