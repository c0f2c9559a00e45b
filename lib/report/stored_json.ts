import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { TorchPruneError } from '../errors.js'
import { writeJsonAtomically } from '../io/atomic.js'
import { inputError, refuse, systemCode } from '../io/files.js'
import { firstIssue } from './record.js'

/** Writes a value that fits its schema, whole or not at all. Throws `ERR_ARGUMENT` for another, `ERR_OUTPUT`. */
export async function writeStored<T>(path: string, schema: z.ZodType<T>, value: T): Promise<void> {
  const result = schema.safeParse(value)
  if (!result.success) {
    throw new TorchPruneError('ERR_ARGUMENT', `${path}: ${firstIssue(result.error)}; correct that field`)
  }
  await writeJsonAtomically(path, value)
}

/** Reads what `writeStored` wrote, or undefined where there is no file. Throws `ERR_FILE` for a damaged one. */
export async function readStored<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    if (!(cause instanceof SyntaxError)) throw inputError(path, cause)
    return refuse(path, 'is half-written or damaged', 'make it again, or delete it')
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  return refuse(path, `is damaged: ${firstIssue(result.error)}`, 'make it again, or delete it')
}
