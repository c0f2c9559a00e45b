import { join } from 'node:path'
import { z } from 'zod'
import { LAYER_FORMS } from '../infer/options.js'
import { BENCH_FILE } from './files.js'
import { madeSchema } from './origin.js'
import type { Named } from './record.js'
import { readStored, writeStored } from './stored_json.js'

/** The engines that may run a network, in the order of tables and charts. */
export const ENGINES = ['dense', 'csr', 'compiled', 'onnxruntime'] as const

const amount = z.number().min(0)
const byEngine = <T extends z.ZodType>(value: T) => z.partialRecord(z.enum(ENGINES), value)

const engine = z.looseObject({
  /** Milliseconds for a batch: the median, and what 99 of 100 stay under. */
  p50: amount,
  p99: amount,
  /** Samples a second. */
  throughput: amount,
  /**
   * By how many bytes the resident memory of a process grew that loaded the network into this engine alone and ran it,
   * over the same process when it had loaded no more than the engine's library.
   */
  resident: amount.optional(),
  /** What its weights take, in bytes; for onnxruntime as dense floats. */
  bytes: amount,
})

const layer = z.looseObject({
  name: z.string(),
  density: z.number().min(0).max(1),
  /** Its form in the compiled network. */
  form: z.enum(LAYER_FORMS),
  /** The milliseconds of a batch: dense, and in that form. */
  dense: amount,
  chosen: amount,
  /** The density below which our loops are faster than the dense form, about. */
  breakEven: z.number().min(0).max(1).optional(),
})

const benchRecord = z.looseObject({
  schema: z.literal(1),
  /** The name of the network's file. */
  file: z.string(),
  /** Where it was measured, and with what: there is no seed. */
  made: madeSchema.omit({ seed: true }).optional(),
  /** The processor and its cores, in words. */
  machine: z.string(),
  threads: z.int().min(1),
  batch: z.int().min(1),
  /** The engines that are there. */
  engines: byEngine(engine).refine(({ dense }) => dense !== undefined, {
    message: 'the dense engine is missing, which the others are compared with',
  }),
  /** The layers with weights. */
  layers: z.array(layer),
  /** Why an engine is not among them. */
  missing: byEngine(z.string()),
  /** Why the resident memory of an engine is not known. */
  missingResident: byEngine(z.string()),
})

/** The contents of `bench.json`: how fast a network runs, in the engines that are there. */
export type BenchRecord = Named<z.infer<typeof benchRecord>>
/** The name of an engine. */
export type EngineName = (typeof ENGINES)[number]
/** How an engine answers batches. */
export type EngineLatency = Named<z.infer<typeof engine>>
/** A layer with weights, dense and in the form that it has in the compiled network. */
export type LayerLatency = Named<z.infer<typeof layer>>

/**
 * Writes what was measured into a folder. Throws `ERR_ARGUMENT` for a record that violates the format, `ERR_OUTPUT` when
 * it cannot be written.
 */
export function writeBench(dir: string, record: BenchRecord): Promise<void> {
  return writeStored(join(dir, BENCH_FILE), benchRecord, record)
}

/** Reads what was measured; undefined if there is none. Throws `ERR_FILE` for a damaged one. */
export function readBench(dir: string): Promise<BenchRecord | undefined> {
  return readStored(join(dir, BENCH_FILE), benchRecord)
}
