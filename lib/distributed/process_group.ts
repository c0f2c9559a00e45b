import { deserialize, serialize } from 'node:v8'
import { abortOptions } from '../base/abort.js'
import { boolean, type Kind, wrongValue } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { ProcessGroupHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { versions } from '../binding/versions.js'
import { type GroupPlace, placeFromEnvironment } from './environment.js'

/**
 * The processes that train one network together, each on its part of every batch. All of them must make the same calls
 * in the same order.
 */
export class ProcessGroup {
  /** The place of this process among them, from 0. */
  readonly rank: number
  /** Its place among those on its machine, from 0 (`LOCAL_RANK`): which of the machine's GPUs is its own. */
  readonly localRank: number
  /** How many they are. */
  readonly size: number
  /** @internal */
  readonly handle: ProcessGroupHandle

  private constructor(handle: ProcessGroupHandle, { rank, localRank, worldSize }: GroupPlace) {
    this.handle = handle
    this.rank = rank
    this.localRank = localRank
    this.size = worldSize
  }

  /** @internal */
  static async join(place: GroupPlace, signal?: AbortSignal): Promise<ProcessGroup> {
    const { torchPrune, libtorch } = versions()
    const traits = { 'version of torch-prune': torchPrune, 'version of libtorch': libtorch }
    const { localRank: _, ...joins } = place
    const handle = await runJob(() => loadAddon().processGroupStart({ ...joins, traits }), signal)
    // At the end, the addon waits for its compute thread, which may be waiting for another process.
    process.prependOnceListener('exit', () => loadAddon().processGroupInterrupt(handle))
    return new ProcessGroup(handle, place)
  }

  /**
   * Holds what all processes must have alike, by name, against what rank 0 has. Nobody goes on before all have.
   *
   * @throws TorchPruneError `ERR_GROUP`, in all processes, naming the first thing that differs
   * @internal
   */
  async compare(traits: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    await runJob(() => loadAddon().processGroupCompare(this.handle, traits), signal)
  }

  /** Returns what rank 0 has, so that what follows from it is the same everywhere. @internal */
  async ofFirst<T>(value: T, signal?: AbortSignal): Promise<T> {
    const text = serialize(value).toString('base64')
    const first = await runJob(() => loadAddon().processGroupShare(this.handle, text), signal)
    return this.rank === 0 ? value : deserialize(Buffer.from(first, 'base64'))
  }
}

/** A process group as an option. */
export const processGroupKind: Kind<ProcessGroup> = {
  expected: 'a process group',
  fits: (value) => value instanceof ProcessGroup,
  read(value, name) {
    if (value instanceof ProcessGroup) return value
    throw wrongValue(name, 'a process group, as processGroup() returns it', value)
  },
}

const processGroupOptions = {
  ...abortOptions,
  /**
   * Whether processes that all run on one machine sum their gradients in memory that they share, which takes a fraction
   * of the time. Where they do not reach the same memory, as in containers of their own, they sum by Gloo.
   * @default true
   */
  sharedMemory: optional(boolean, true),
}

/** How a process joins the others. */
export interface ProcessGroupOptions extends OptionsOf<typeof processGroupOptions> {}

/**
 * Joins the processes that the environment names, as `torchrun`, Slurm's and Kubernetes' launchers do: `RANK`,
 * `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`. Give it to `train()` or `prune()` as their `group`. Call it once in a
 * process.
 *
 * @returns undefined in a process that trains on its own
 * @throws TorchPruneError `ERR_ARGUMENT` for variables that are missing or wrong; `ERR_GROUP` if nobody listens at the
 * address, the port is in use, a process does not come, or one has another version or world size
 */
export async function processGroup(options: ProcessGroupOptions = {}): Promise<ProcessGroup | undefined> {
  const { signal, ...joins } = readOptions('processGroup', processGroupOptions, options)
  const place = placeFromEnvironment()
  return place && (await ProcessGroup.join({ ...place, ...joins }, signal))
}
