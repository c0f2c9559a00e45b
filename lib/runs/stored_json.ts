import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { inputError, refuse, systemCode } from '../base/files.js'
import { checkedJson, withChecksum } from './checked_json.js'
import { firstIssue } from './record.js'

/** Writes a value that fits its schema, whole or not at all, with its checksum. Throws `ERR_ARGUMENT` for another, `ERR_OUTPUT`. */
export async function writeStored<T extends object>(
  path: string,
  schema: z.ZodType<T>,
  value: T,
): Promise<void> {
  const result = schema.safeParse(value)
  if (!result.success) {
    throw new TorchPruneError('ERR_ARGUMENT', `${path}: ${firstIssue(result.error)}; correct that field`)
  }
  await writeJsonAtomically(path, withChecksum(value))
}

/**
 * Reads what `writeStored` wrote, or undefined where there is no file.
 *
 * @param fix what to do about a file that is damaged
 * @throws TorchPruneError `ERR_FILE` for one
 */
export async function readStored<T>(
  path: string,
  schema: z.ZodType<T>,
  fix = 'make it again, or delete it',
): Promise<T | undefined> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    // Where a part of the path is a file, whoever writes there says so.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined
    if (!(cause instanceof SyntaxError)) throw inputError(path, cause)
    return refuse(path, 'is half-written or damaged', fix)
  }
  const { value, damaged } = checkedJson(parsed)
  const result = schema.safeParse(value)
  if (!result.success) refuse(path, `is damaged: ${firstIssue(result.error)}`, fix)
  if (damaged) refuse(path, 'is damaged: it does not match its checksum', fix)
  return result.data
}
