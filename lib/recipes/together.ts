import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { checksum } from '../base/checksum.js'
import { exists } from '../base/files.js'
import { LOCK_FILE } from '../runs/files.js'
import type { FoundRun, Identity } from './folder.js'
import type { Session } from './session.js'

type Place = Pick<Session, 'folder' | 'group' | 'signal'>

/**
 * Where this process works on a run: in the run's folder, which of several processes is the first one's alone. Each other
 * one works in a folder of its own, which goes with it, and begins with a copy of what it resumes.
 *
 * @throws TorchPruneError `ERR_GROUP` where processes do not run the same
 */
export async function ownFolderOf(
  { folder, group, signal }: Place,
  { recipe, plan, seed }: Identity,
  resume: boolean,
): Promise<AsyncDisposable & { readonly folder: string }> {
  await group?.compare({ recipe, plan: checksum(plan), seed: String(seed) }, signal)
  if (group === undefined || group.rank === 0) return { folder, async [Symbol.asyncDispose]() {} }
  await opened({ folder, group, signal })
  const own = await mkdtemp(join(tmpdir(), 'torch-prune-rank-'))
  if (resume && (await exists(folder))) {
    await cp(folder, own, { recursive: true, filter: (path) => basename(path) !== LOCK_FILE })
  }
  return {
    folder: own,
    async [Symbol.asyncDispose]() {
      await rm(own, { recursive: true, force: true })
    },
  }
}

/** Checks that all processes go on from the same state of their run. None begins before all have it. */
export async function agreeOn(found: FoundRun, place: Place): Promise<void> {
  const { group, signal } = place
  if (group?.rank === 0) await opened(place)
  await group?.compare({ "state of the run's folder": stateOf(found) }, signal)
}

/** From here on, what the first process has found in the folder stays until the others have copied it. */
async function opened({ group, signal }: Place): Promise<void> {
  await group?.compare({}, signal)
}

function stateOf(found: FoundRun): string {
  if (found.kind === 'nothing' || found.kind === 'begun') return 'nothing to go on from'
  return `${found.kind}, ${checksum(JSON.stringify(found.kind === 'finished' ? found.record : (found.state ?? null)))}`
}
