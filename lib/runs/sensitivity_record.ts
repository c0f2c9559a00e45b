import { join } from 'node:path'
import { z } from 'zod'
import { madeSchema } from './origin.js'
import type { Named } from './record.js'
import { readStored, writeStored } from './stored_json.js'

/** The file name of a sensitivity study in its folder. */
export const SENSITIVITY_FILE = 'sensitivity.json'

const fraction = z.number().min(0).max(1)
const percent = z.number().min(0).max(100)

const sensitivityRecord = z.looseObject({
  schema: z.literal(1),
  model: z.string(),
  /** Where it was measured, and with what; missing in older files. */
  made: madeSchema.optional(),
  /** The error of the network before anything is pruned, in percent. */
  validationErrorDense: percent,
  /** The layers, in the network's order. */
  layers: z.array(
    z.looseObject({
      name: z.string(),
      /** The kind of the layer: `'conv'`, `'fc'`, … */
      kind: z.string(),
      /** The errors with only this layer pruned, to each density, without retraining. */
      points: z.array(z.looseObject({ density: fraction, validationError: percent })).min(1),
    }),
  ),
})

/** The contents of `sensitivity.json`: the error with one layer at a time pruned. Errors are in percent. */
export type SensitivityRecord = Named<z.infer<typeof sensitivityRecord>>

/**
 * Writes a study into its folder. Throws `ERR_ARGUMENT` for a record that violates the format, `ERR_OUTPUT` when it
 * cannot be written.
 */
export function writeSensitivity(dir: string, record: SensitivityRecord): Promise<void> {
  return writeStored(join(dir, SENSITIVITY_FILE), sensitivityRecord, record)
}

/** Reads a folder's study; undefined if there is none. Throws `ERR_FILE` for a damaged one. */
export function readSensitivity(dir: string): Promise<SensitivityRecord | undefined> {
  return readStored(join(dir, SENSITIVITY_FILE), sensitivityRecord)
}
