import { join } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { exists } from '../base/files.js'
import { onOneLine } from '../base/text.js'
import { Checkpoint, isPruning, type RunState } from '../runs/checkpoint.js'
import { EVENTS_FILE, RECORD_FILE, REFERENCE_FILE } from '../runs/files.js'
import type { OwnFolder } from '../runs/own_folder.js'
import { type RunRecord, readRunRecord } from '../runs/record.js'

/** What an earlier run left in a folder: */
export type FoundRun =
  /** No run, or no folder. */
  | { readonly kind: 'nothing' }
  /** A run that stopped before any of its dense training was saved. */
  | { readonly kind: 'begun' }
  /** A dense network; without a state, its origin is not known. */
  | { readonly kind: 'trained'; readonly state?: RunState }
  /** A run that stopped during or after its dense training, or during or after a round. */
  | { readonly kind: 'unfinished'; readonly state: RunState }
  | { readonly kind: 'finished'; readonly record: RunRecord; readonly state: RunState | undefined }

/** Looks for a run in a folder. Throws `ERR_FILE` for files of one that are damaged. */
export async function findRun(folder: string): Promise<FoundRun> {
  const state = await new Checkpoint(folder).read()
  if (await exists(join(folder, RECORD_FILE))) {
    return { kind: 'finished', record: await readRunRecord(folder), state }
  }
  if (state?.denseOnly) return { kind: 'trained', state }
  if (state !== undefined) return { kind: 'unfinished', state }
  if (await exists(join(folder, REFERENCE_FILE))) return { kind: 'trained' }
  return { kind: (await exists(join(folder, EVENTS_FILE))) ? 'begun' : 'nothing' }
}

/** Two runs are the same if these are: the recipe's name, everything that it computes, and the seed. */
export interface Identity {
  readonly recipe: string
  readonly plan: string
  readonly seed: number
}

/** Whether a folder's run is the described one. A finished run without a checkpoint is only known by its name. */
export function isSameRun(found: FoundRun, { recipe, plan, seed }: Identity): boolean {
  if (found.kind === 'nothing' || found.kind === 'begun') return true
  const own = found.state ?? (found.kind === 'finished' ? found.record : undefined)
  if (own === undefined) return false
  return own.recipe === recipe && own.seed === seed && (!('plan' in own) || own.plan === plan)
}

/**
 * Throws `ERR_OUTPUT` if a run would overwrite or continue another run, or lose a finished one.
 * @param own whether the dense network that the run starts from is in the folder
 */
export function checkFolder(
  folder: string,
  found: FoundRun,
  identity: Identity,
  { resume = false, own = false }: { resume?: boolean; own?: boolean },
): void {
  const refuse = (what: string, fix: string): never => {
    throw new TorchPruneError('ERR_OUTPUT', onOneLine(`${folder} holds ${what}: ${fix}`))
  }
  const same = isSameRun(found, identity)
  if (found.kind === 'trained') {
    if (own || (resume && same)) return
    refuse('a trained network', 'choose another { out }, or replace it with { overwrite: true }')
  }
  if (found.kind !== 'unfinished' && found.kind !== 'finished') return
  if (!same) {
    const { recipe, seed } = found.kind === 'finished' ? found.record : found.state
    refuse(
      `a run of ${recipe} with seed ${seed} that is not this one`,
      resume
        ? 'resume it with its own recipe, options and seed, or choose another { out }'
        : 'choose another { out }, or replace it with { overwrite: true }',
    )
  }
  if (resume) return
  if (found.kind === 'unfinished') {
    refuse(
      `a run that stopped ${progressOf(found.state)}`,
      'go on with { resume: true }, or choose another { out }',
    )
  }
  refuse(
    'this run, finished',
    'see it with { resume: true }, choose another { out }, or replace it with { overwrite: true }',
  )
}

/**
 * Returns what a folder has of a run, from which the run continues: nothing without `resume`. With `overwrite`, another
 * run in the folder stays until the new one is done.
 *
 * @param options.own whether the dense network that the run starts from is in the folder
 * @throws TorchPruneError `ERR_OUTPUT` as `checkFolder`, `ERR_FILE` for a state that is damaged
 */
export async function findOwnRun(
  folder: OwnFolder,
  identity: Identity,
  options: { readonly resume: boolean; readonly overwrite: boolean; readonly own?: boolean },
): Promise<FoundRun> {
  const { resume, overwrite } = options
  if (!overwrite) {
    const found = await findRun(folder.folder)
    checkFolder(folder.folder, found, identity, options)
    return found
  }
  const begun = await findRun(folder.replacement)
  if (begun.kind === 'unfinished') {
    checkFolder(folder.replacement, begun, identity, options)
    await folder.replace()
    return begun
  }
  const found = await findRun(folder.folder).catch((error: unknown) => {
    // Damaged files are replaced like all others.
    if (!(error instanceof TorchPruneError && error.code === 'ERR_FILE')) throw error
  })
  if (found?.kind === 'nothing') return found
  if (resume && found && found.kind !== 'begun' && isSameRun(found, identity)) return found
  await folder.replace()
  return { kind: 'nothing' }
}

/** `in epoch 3 of its dense training`, `after round 2 of 5`, `in round 3 of 5, epoch 2`. */
export function progressOf(state: RunState): string {
  const { rounds, within } = state
  const last = rounds.at(-1)
  if (!isPruning(state)) return `in epoch ${within?.epoch ?? 1} of its dense training`
  const next = (last?.round ?? 0) + 1
  if (within?.round === next)
    return `in round ${next}${last ? ` of ${last.rounds}` : ''}, epoch ${within.epoch}`
  return last === undefined ? 'after its dense training' : `after round ${last.round} of ${last.rounds}`
}
