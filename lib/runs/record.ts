import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { z } from 'zod'
import { makeFolder, writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { inputError, refuse, systemCode } from '../base/files.js'
import { onOneLine } from '../base/text.js'
import { checkedJson, withChecksum } from './checked_json.js'
import { RECORD_FILE } from './files.js'
import { versions } from './origin.js'
import { type PaperTable, paperTable } from './paper.js'

const SCHEMA = 1

const fraction = z.number().min(0).max(1)
const percent = z.number().min(0).max(100)
const count = z.int().min(0)
const positive = z.number().positive()

const layer = z.looseObject({
  name: z.string(),
  /** The kind of the layer: `'conv'`, `'fc'`, … */
  kind: z.string(),
  /** The number of weights, without biases. */
  weights: count,
  kept: count,
  density: fraction,
  /** The operations of the dense layer for one input; a multiply-add counts as 2. */
  flop: count,
  /** The share of this layer's outputs that are not zero. */
  activationDensity: fraction,
  /** The share of `flop` that remains: `density` times the density of the incoming activations. */
  flopShare: fraction,
})

const round = z.looseObject({
  /** The number of the round, from 1. */
  round: count,
  density: fraction,
  compression: positive,
  /** The error on the validation part of the training set, on which choices are based. */
  validationError: percent,
  /**
   * The error on the test set after pruning and before retraining; if there are several phases, that of the first one.
   */
  top1ErrorBefore: percent,
  /** The error on the test set after retraining. */
  top1Error: percent,
  top5Error: percent.optional(),
})

const quantized = z.looseObject({
  top1Error: percent,
  top5Error: percent.optional(),
  validationError: percent,
  /** The bytes of all of it, by the entropy of values and positions. */
  bytes: count,
  /** Four bytes for each dense parameter, divided by that. */
  ratio: positive,
  layers: z.array(
    z.looseObject({
      name: z.string(),
      /** The number of values that the weights share; there is none if each has its own. */
      values: count.optional(),
      /** The bits of a kept weight, and the same by entropy. */
      bits: count,
      entropy: z.number().min(0),
      /** The bits of the gap between two kept weights, and the same by entropy. */
      gapBits: count,
      gapEntropy: z.number().min(0),
      bytes: count,
    }),
  ),
})

const coded = z.looseObject({
  /** The error of the network that was read back from the file. */
  top1Error: percent,
  top5Error: percent.optional(),
  profile: z.enum(['compact', 'huffman']),
  /** The size of the file, everything counted. */
  bytes: count,
  /** Four bytes for each dense parameter, divided by that. */
  ratio: positive,
})

const runRecord = z.looseObject({
  schema: z.literal(SCHEMA),
  recipe: z.string(),
  seed: count,
  device: z.string(),
  threads: z.int().min(1),
  versions,
  /** The dense network. Its parameters are weights and biases. */
  reference: z.looseObject({ top1Error: percent, top5Error: percent.optional(), parameters: count }),
  /**
   * The pruned network. Its parameters are the remaining weights and the biases of live neurons; compression is the
   * dense count divided by that.
   */
  pruned: z.looseObject({
    top1Error: percent,
    top5Error: percent.optional(),
    parameters: count,
    compression: positive,
  }),
  /** The network whose weights share values, if the recipe quantizes. */
  quantized: quantized.optional(),
  /** The coded file of the result, if the recipe codes it. */
  coded: coded.optional(),
  layers: z.array(layer),
  rounds: z.array(round),
  /** The layers that each round pruned and retrained in turn (`'fc'`, `'conv'`, `'all'`), if not all at once. */
  phases: z.array(z.string()).optional(),
  /** What a paper reports about this network, for comparison. */
  paper: paperTable.optional(),
  /** The number of samples in all parts that could not be read, if any. */
  skipped: count.optional(),
  seconds: z.number().min(0),
})

/**
 * Records of later versions may contain more fields. They are kept when a record is read, but only the named fields
 * have types.
 */
export type Named<T> = T extends readonly (infer Item)[]
  ? Named<Item>[]
  : T extends object
    ? { [Key in keyof T as string extends Key ? never : Key]: Named<T[Key]> }
    : T

/** The contents of `run.json`. Errors are in percent, densities and shares are fractions, times are in seconds. */
export type RunRecord = Omit<Named<z.infer<typeof runRecord>>, 'paper'> & {
  readonly paper?: PaperTable | undefined
}
/** A layer in a run's record. */
export type LayerRecord = Named<z.infer<typeof layer>>
/** What quantization came to in a run's record. */
export type QuantizedRecord = Named<z.infer<typeof quantized>>
/** What the coded file came to in a run's record. */
export type CodedRecord = Named<z.infer<typeof coded>>
/** A round in a run's record. */
export type RoundRecord = Named<z.infer<typeof round>>

/**
 * Writes `run.json`, either completely or not at all, into a folder that is created if it is missing.
 * @throws ERR_ARGUMENT when a field is missing or out of range: a record is a public contract
 * @throws ERR_OUTPUT when it cannot be written
 */
export async function writeRunRecord(dir: string, record: RunRecord): Promise<void> {
  const result = runRecord.safeParse(record)
  if (!result.success) {
    throw new TorchPruneError('ERR_ARGUMENT', `run record: ${firstIssue(result.error)}; correct that field`)
  }
  await makeFolder(dir)
  await writeJsonAtomically(join(dir, RECORD_FILE), withChecksum(record))
}

/**
 * Reads `run.json` of a folder.
 * @throws ERR_FILE when the folder has no record, or one that is half-written, damaged or of another schema
 */
export async function readRunRecord(dir: string): Promise<RunRecord> {
  const path = join(dir, RECORD_FILE)
  const { value, damaged } = checkedJson(parseJson(await readText(path), path))
  checkSchema(value, path)
  const result = runRecord.safeParse(value)
  if (!result.success) {
    return refuse(path, `is damaged: ${firstIssue(result.error)}`, 'correct that field or run again')
  }
  if (damaged) {
    refuse(
      path,
      'is damaged or was changed: it does not match its checksum',
      'run again, or remove the checksum from it',
    )
  }
  return result.data
}

/** The first problem, on one line: `layers.2.density: Too big: expected number to be <=1`. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'invalid'
  const message = onOneLine(issue.message)
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${message}` : message
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw inputError(path, cause)
    return refuse(
      path,
      'does not exist',
      'give the folder of a finished run, or finish it with { resume: true }',
    )
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse(path, 'is half-written or damaged', 'write it again by running with { overwrite: true }')
  }
}

function checkSchema(value: unknown, path: string): void {
  const found = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined
  if (found === SCHEMA) return
  if (typeof found !== 'number')
    refuse(path, 'is not a run record, it has no schema', 'give the folder of a run')
  const fix = found > SCHEMA ? 'update torch-prune' : 'run again'
  refuse(path, `has schema ${found} but this torch-prune reads ${SCHEMA}`, fix)
}
