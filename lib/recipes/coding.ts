import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExportOptions } from '../nn/export_coded.js'
import { sortNeurons } from '../prune/surgery/sorting.js'
import { CODED_FILE } from '../runs/files.js'
import type { CodedRecord } from '../runs/record.js'
import type { Session } from './session.js'

/** Stores a session's network, as it is by now, in a coded file, with its neurons in an order that codes well. */
export async function codeRun(session: Session, { profile }: ExportOptions): Promise<void> {
  const { network, folder, signal } = session
  await sortNeurons(network, signal)
  await network.export(join(folder, CODED_FILE), { profile })
}

/** What a run's record holds of the file. */
export async function codedRecord(
  { recipe, folder }: Session,
  errors: { readonly top1Error: number; readonly top5Error?: number | undefined },
  parameters: number,
): Promise<CodedRecord> {
  const { size: bytes } = await stat(join(folder, CODED_FILE))
  const { profile = 'compact' } = recipe.code ?? {}
  return { ...errors, profile, bytes, ratio: (4 * parameters) / bytes }
}
