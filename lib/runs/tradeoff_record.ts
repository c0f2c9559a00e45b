import { join } from 'node:path'
import { z } from 'zod'
import { madeSchema } from './origin.js'
import type { Named } from './record.js'
import { readStored, writeStored } from './stored_json.js'

/** The file name of a trade-off study in its folder. */
export const TRADEOFF_FILE = 'tradeoff.json'

const points = z.number().min(-100).max(100)

const curve = z
  .looseObject({
    /** The name in the legend, such as `L2, iterated`. */
    name: z.string(),
    regularization: z.enum(['l1', 'l2']),
    retrain: z.boolean(),
    iterative: z.boolean(),
    seeds: z.array(z.int().min(0)).min(1),
    points: z.array(
      z.looseObject({
        density: z.number().min(0).max(1),
        /**
         * By seed: the accuracy lost compared with that seed's dense network, in percentage points; gains are negative.
         */
        losses: z.array(points),
        mean: points,
        /** The standard deviation over seeds (n − 1); 0 for a single seed. */
        spread: z.number().min(0),
      }),
    ),
  })
  .refine(({ seeds, points }) => points.every(({ losses }) => losses.length === seeds.length), {
    message: 'a point needs a loss for each seed',
    path: ['points'],
  })

const tradeoffRecord = z.looseObject({
  schema: z.literal(1),
  model: z.string(),
  /** Where it was measured, and with what; missing in older files. */
  made: madeSchema.optional(),
  curves: z.array(curve),
})

/** The contents of `tradeoff.json`: accuracy lost by density, for each way of training and pruning the network. */
export type TradeoffRecord = Named<z.infer<typeof tradeoffRecord>>
/** A curve of a trade-off study. */
export type TradeoffCurve = TradeoffRecord['curves'][number]

/**
 * Writes a study into its folder. Throws `ERR_ARGUMENT` for a record that violates the format, `ERR_OUTPUT` when it
 * cannot be written.
 */
export function writeTradeoff(dir: string, record: TradeoffRecord): Promise<void> {
  return writeStored(join(dir, TRADEOFF_FILE), tradeoffRecord, record)
}

/** Reads a folder's study; undefined if there is none. Throws `ERR_FILE` for a damaged one. */
export function readTradeoff(dir: string): Promise<TradeoffRecord | undefined> {
  return readStored(join(dir, TRADEOFF_FILE), tradeoffRecord)
}
