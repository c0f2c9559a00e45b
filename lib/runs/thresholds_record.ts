import { join } from 'node:path'
import { z } from 'zod'
import { readStored, writeStored } from './stored_json.js'

/** The file in a sensitivity study's folder for the thresholds that it solved. */
export const THRESHOLDS_FILE = 'thresholds.json'

const byLayer = z.record(z.string(), z.number())

const thresholdsRecord = z.object({
  schema: z.literal(1),
  /** What the pruned network may cost: one of these. */
  budget: z.object({
    /** In percentage points. */
    errorIncrease: z.number().exactOptional(),
    weights: z.number().exactOptional(),
    bytes: z.number().exactOptional(),
  }),
  /** The share of weights that each layer keeps. */
  densities: byLayer,
  /** The thresholds of those densities, as multiples of the standard deviation of a layer's weights. */
  quality: byLayer,
  /** The number of weights that remain, and their bytes in the paper's encoding. */
  weights: z.number(),
  bytes: z.number(),
  /** The expected increase of the error before retraining, in percentage points. */
  errorIncrease: z.number(),
  /** A criterion that keeps exactly those densities, as recipes have it. */
  criterion: z.unknown(),
})

/** The contents of `thresholds.json`. */
export type ThresholdsRecord = z.infer<typeof thresholdsRecord>

/**
 * Writes thresholds into the folder of their study. Throws `ERR_ARGUMENT` for a record that violates the format,
 * `ERR_OUTPUT` when it cannot be written.
 */
export function writeThresholds(dir: string, record: ThresholdsRecord): Promise<void> {
  return writeStored(join(dir, THRESHOLDS_FILE), thresholdsRecord, record)
}

/** Reads a folder's thresholds; undefined if there are none. Throws `ERR_FILE` for damaged ones. */
export function readThresholds(dir: string): Promise<ThresholdsRecord | undefined> {
  return readStored(join(dir, THRESHOLDS_FILE), thresholdsRecord)
}
