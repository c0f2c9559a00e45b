import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as Runtime from 'onnxruntime-node'
import { throwIfAborted } from '../base/abort.js'
import { processorName } from '../base/cores.js'
import { product } from '../base/lists.js'
import type { LayerForm, Session } from '../infer/session.js'
import type { AnyNetwork } from '../nn/any_network.js'
import type { Network } from '../nn/network.js'

/** How an engine answers batches. */
export interface EngineLatency {
  /** Milliseconds for a batch: the median, and what 99 of 100 stay under. */
  readonly p50: number
  readonly p99: number
  /** Samples a second. */
  readonly throughput: number
  /** By how much the process grew when the engine was made and ran first, in bytes. */
  readonly resident: number
  /** What its weights take, in bytes; for onnxruntime the file. */
  readonly bytes: number
}

export type EngineName = 'dense' | 'csr' | 'compiled' | 'onnxruntime'

/** A layer with weights: its form in the compiled network, and the milliseconds of a batch, dense and in that form. */
export interface LayerLatency {
  readonly name: string
  readonly density: number
  readonly form: LayerForm
  readonly dense: number
  readonly chosen: number
  readonly breakEven: number | undefined
}

/** How fast a network runs here, in the engines that are there. */
export interface Latency {
  readonly machine: string
  readonly threads: number
  readonly batch: number
  readonly engines: Readonly<Partial<Record<EngineName, EngineLatency>>>
  readonly layers: readonly LayerLatency[]
  /** Why an engine is not among them. */
  readonly missing: Readonly<Partial<Record<EngineName, string>>>
}

export interface LatencyOptions {
  readonly batch: number
  readonly threads: number
  /** For how long each engine runs, about. */
  readonly seconds: number
  readonly signal?: AbortSignal | undefined
  readonly onEngine?: (name: EngineName) => void
}

interface Engine {
  readonly name: EngineName
  readonly bytes: number
  readonly resident: number
  readonly run: (samples: Float32Array) => Promise<unknown>
  readonly close: () => void
}

const TURN_MS = 100
const REST_MS = 30
const FEWEST_TURNS = 4

/** Measures engines on random samples. They take turns. */
export async function measureLatency(network: AnyNetwork, options: LatencyOptions): Promise<Latency> {
  const { batch, threads, signal } = options
  const size = batch * product(network.inputShape)
  const samples = Float32Array.from({ length: size }, (_, i) => Math.sin(i) ** 2)
  const engines: Engine[] = []
  const missing: Partial<Record<EngineName, string>> = {}
  try {
    const session = async (name: EngineName, forms: LayerForm[]) => {
      options.onEngine?.(name)
      const compiled = await grown(() => (network as Network).compile({ batch, threads, forms, signal }))
      engines.push(ofSession(name, compiled.made, compiled.bytes))
      return compiled.made
    }
    await session('dense', ['dense'])
    await session('csr', ['csr'])
    const compiled = await session('compiled', [])
    options.onEngine?.('onnxruntime')
    const rival = await ofRuntime(network as Network, batch, threads, samples)
    if (typeof rival === 'string') missing.onnxruntime = rival
    else engines.push(rival)
    const times = await race(engines, samples, options)
    return {
      machine: `${processorName() ?? 'unknown processor'}, ${cpus().length} cores`,
      threads,
      batch,
      engines: Object.fromEntries(
        engines.map((engine) => [engine.name, summary(engine, times.get(engine)!, batch)]),
      ),
      layers: layersOf(compiled),
      missing,
    }
  } finally {
    for (const engine of engines) engine.close()
  }
}

function ofSession(name: EngineName, session: Session, resident: number): Engine {
  return {
    name,
    bytes: session.bytes,
    resident,
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
  let runtime: typeof Runtime
  try {
    runtime = await import('onnxruntime-node')
  } catch {
    return 'the package onnxruntime-node is not installed'
  }
  const folder = await mkdtemp(join(tmpdir(), 'torch-prune-bench-'))
  try {
    const file = join(folder, 'network.onnx')
    await network.export(file)
    const options = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 } as const
    const { made, bytes } = await grown(() => runtime.InferenceSession.create(file, options))
    const shape = [batch, ...network.inputShape]
    const run = (given: Float32Array) => made.run({ input: new runtime.Tensor('float32', given, shape) })
    await run(samples)
    const weights = 4 * network.parameterCount
    return { name: 'onnxruntime', bytes: weights, resident: bytes, run, close: () => void made.release() }
  } catch (error) {
    return `onnxruntime does not run it: ${(error as Error).message.split('\n')[0]}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes something, and says by how much the process grew. */
async function grown<T>(make: () => Promise<T>): Promise<{ made: T; bytes: number }> {
  const before = process.memoryUsage.rss()
  const made = await make()
  return { made, bytes: Math.max(0, process.memoryUsage.rss() - before) }
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

function summary({ bytes, resident }: Engine, times: readonly number[], batch: number): EngineLatency {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
  const mean = times.reduce((all, time) => all + time, 0) / times.length
  return { p50: at(0.5), p99: at(0.99), throughput: (1000 * batch) / mean, resident, bytes }
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
