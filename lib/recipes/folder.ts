import { join } from 'node:path'
import { TorchPruneError } from '../errors.js'
import { exists } from '../io/files.js'
import { EVENTS_FILE } from '../report/events.js'
import { RECORD_FILE, type RunRecord, readRunRecord } from '../report/record.js'
import { Checkpoint, isPruning, type RunState } from './checkpoint.js'

/** The dense network of a run. */
export const REFERENCE_FILE = 'reference.safetensors'
/** The pruned network of a run. */
export const MODEL_FILE = 'model.safetensors'

/** What an earlier run left in a folder. */
export type FoundRun =
  /** No run, or no folder. */
  | { readonly kind: 'nothing' }
  /** A run that stopped before anything of its dense training was kept. */
  | { readonly kind: 'begun' }
  /** A dense network, and nothing that says how it came about. */
  | { readonly kind: 'trained' }
  /** A run that stopped in its dense training, after it, or in or after a round. */
  | { readonly kind: 'unfinished'; readonly state: RunState }
  | { readonly kind: 'finished'; readonly record: RunRecord; readonly state: RunState | undefined }

/** Looks for a run in a folder. Throws `ERR_FILE` for files of one that are damaged. */
export async function findRun(folder: string): Promise<FoundRun> {
  const state = await new Checkpoint(folder).read()
  if (await exists(join(folder, RECORD_FILE))) {
    return { kind: 'finished', record: await readRunRecord(folder), state }
  }
  if (state !== undefined) return { kind: 'unfinished', state }
  if (await exists(join(folder, REFERENCE_FILE))) return { kind: 'trained' }
  return { kind: (await exists(join(folder, EVENTS_FILE))) ? 'begun' : 'nothing' }
}

/** What makes two runs the same: the recipe by name, all that it computes, and the seed. */
export interface Identity {
  readonly recipe: string
  readonly plan: string
  readonly seed: number
}

/** Whether a folder's run is the one described. A finished one whose checkpoint is gone is taken at its name. */
export function isSameRun(found: FoundRun, { recipe, plan, seed }: Identity): boolean {
  if (found.kind !== 'unfinished' && found.kind !== 'finished') return true
  const { state } = found
  const own = state ?? (found as Extract<FoundRun, { kind: 'finished' }>).record
  return own.recipe === recipe && own.seed === seed && (state === undefined || state.plan === plan)
}

/**
 * Throws `ERR_OUTPUT` where a run would overwrite, or go on with, what is not its own.
 * @param own the dense network that it starts from, which may be the folder's
 */
export function checkFolder(
  folder: string,
  found: FoundRun,
  identity: Identity,
  { resume = false, own = false }: { resume?: boolean; own?: boolean },
): void {
  const refuse = (what: string, mend: string): never => {
    throw new TorchPruneError('ERR_OUTPUT', `${folder} holds ${what}: ${mend}`)
  }
  if (found.kind === 'trained' && !own && !resume) refuse('a trained network', 'choose another --out')
  if (found.kind !== 'unfinished' && found.kind !== 'finished') return
  if (!isSameRun(found, identity)) {
    const { recipe, seed } = found.kind === 'finished' ? found.record : found.state
    const mend = resume ? 'resume it with its own recipe, options and seed' : 'choose another --out'
    refuse(
      `a run of ${recipe} with seed ${seed} that is not this one`,
      resume ? `${mend}, or choose another --out` : mend,
    )
  }
  if (found.kind === 'unfinished' && !resume) {
    refuse(`a run that stopped ${progressOf(found.state)}`, 'go on with --resume, or choose another --out')
  }
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
