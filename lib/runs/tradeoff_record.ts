import { join } from 'node:path'
import { z } from 'zod'
import type { Named } from './record.js'
import { readStored, writeStored } from './stored_json.js'

/** The name of a trade-off study in its folder. */
export const TRADEOFF_FILE = 'tradeoff.json'

const points = z.number().min(-100).max(100)

const curve = z
  .looseObject({
    /** As the legend has it, such as `L2, iterated`. */
    name: z.string(),
    regularization: z.enum(['l1', 'l2']),
    retrain: z.boolean(),
    iterative: z.boolean(),
    seeds: z.array(z.int().min(0)).min(1),
    points: z.array(
      z.looseObject({
        density: z.number().min(0).max(1),
        /** By seed: points of accuracy lost against the dense network of that seed; gains are negative. */
        losses: z.array(points),
        mean: points,
        /** The standard deviation over seeds (n − 1); 0 of a single one. */
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
  curves: z.array(curve),
})

/** What `tradeoff.json` holds: accuracy lost against the density, by how the network was trained and pruned. */
export type TradeoffRecord = Named<z.infer<typeof tradeoffRecord>>
export type TradeoffCurve = TradeoffRecord['curves'][number]

/** Throws `ERR_ARGUMENT` for a record that breaks the format, `ERR_OUTPUT` when it cannot be written. */
export function writeTradeoff(dir: string, record: TradeoffRecord): Promise<void> {
  return writeStored(join(dir, TRADEOFF_FILE), tradeoffRecord, record)
}

/** A folder's study, or undefined where there is none. Throws `ERR_FILE` for a damaged one. */
export function readTradeoff(dir: string): Promise<TradeoffRecord | undefined> {
  return readStored(join(dir, TRADEOFF_FILE), tradeoffRecord)
}
