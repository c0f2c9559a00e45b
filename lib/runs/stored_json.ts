import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { writeJsonAtomically } from '../base/atomic.js'
import { TorchPruneError } from '../base/errors.js'
import { inputError, refuse, systemCode } from '../base/files.js'
import { checkedJson, withChecksum } from './checked_json.js'
import { firstIssue } from './record.js'

/**
 * Writes a value that matches its schema, with its checksum, either completely or not at all. Throws `ERR_ARGUMENT` for
 * any other value, `ERR_OUTPUT` when the file cannot be written.
 */
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
 * Reads what `writeStored` wrote; undefined if there is no file.
 *
 * @param fix how to fix a damaged file
 * @throws TorchPruneError `ERR_FILE` for a damaged file
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
    // If a part of the path is a file, whoever writes there reports it.
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
