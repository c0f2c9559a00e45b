import { z } from 'zod'
import { type ErrorCode, TorchPruneError } from '../base/errors.js'
import { quoted, refuse } from '../base/files.js'
import { path as pathKind, whole } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { readTensorFileHeader } from '../formats/tensor_file.js'
import { LAYER_FORMS } from '../infer/options.js'
import type { Session } from '../infer/session.js'
import { type Device, deviceKind } from '../tensor/device.js'
import { compileNetwork, refuseOnCpu, SESSION_KEY } from './compile_network.js'
import { loadNetwork } from './load.js'

const count = z.int().positive()
const planSchema = z
  .object({
    batch: count,
    threads: count,
    concurrency: count,
    mean: z.array(z.number()),
    /** As many as `mean` has. */
    std: z.array(z.number().positive()),
    // Files of older versions do not say it.
    autocast: z.enum(['none', 'bfloat16', 'float16']).default('none'),
    forms: z.array(z.enum(LAYER_FORMS)),
  })
  .refine(({ mean, std }) => mean.length === std.length, {
    path: ['std'],
    error: 'it is not as long as mean',
  })

/** What a plan may be wrong in, which a file is written again for. */
const OF_THE_FILE: readonly ErrorCode[] = ['ERR_ARGUMENT', 'ERR_SHAPE', 'ERR_DTYPE']

const loadSessionOptions = {
  /**
   * Where the session runs, as where it was compiled: its forms are those that were fastest there.
   * @default 'cpu'
   */
  device: optional(deviceKind, 'cpu'),
  /**
   * The threads that each call computes with.
   * @default as it was compiled
   */
  threads: optional(whole(1, 1024)),
  /**
   * How many calls run at once.
   * @default as it was compiled
   */
  concurrency: optional(whole(1, 1024)),
}

export interface LoadSessionOptions extends OptionsOf<typeof loadSessionOptions> {}

/**
 * Makes a session from a file that `Session.save()` wrote, with its `batch` and the forms that were fastest where it was
 * compiled: nothing is measured.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that is damaged, or holds a network that was not compiled.
 */
export async function loadSession(path: string, options: LoadSessionOptions = {}): Promise<Session> {
  const { device, ...own } = readOptions('loadSession', loadSessionOptions, options)
  const { metadata } = await readTensorFileHeader(pathKind.read(path, 'loadSession: path'))
  const text = metadata[SESSION_KEY]
  if (text === undefined) {
    throw refuse(path, 'it holds no session', 'load the network by loadNetwork(), and call its compile()')
  }
  const session = await sessionOf(path, planOf(text, path), device, own)
  // What the dense weights took would stay with the process, half as much again as a pruned network needs.
  await runJob(() => loadAddon().trimMemoryStart())
  return session
}

async function sessionOf(
  path: string,
  plan: z.infer<typeof planSchema>,
  device: Device,
  own: Pick<LoadSessionOptions, 'threads' | 'concurrency'>,
): Promise<Session> {
  refuseOnCpu(`loadSession: ${path}`, device, plan)
  using network = await loadNetwork(path, { device })
  if (network.spliced.length > 0) {
    const what = `the mask of ${quoted(network.spliced[0]!)} does not seal, and sessions have sealed ones`
    throw refuse(path, what, 'write it again')
  }
  const { forms, batch, autocast, mean, std } = plan
  const { threads = plan.threads, concurrency = plan.concurrency } = own
  const normalization = mean.length > 0 ? { mean, std } : { mean: undefined, std: undefined }
  try {
    return await compileNetwork(
      network,
      { device, autocast, batch, threads, concurrency, forms: [], signal: undefined, ...normalization },
      forms,
    )
  } catch (cause) {
    if (cause instanceof TorchPruneError && !OF_THE_FILE.includes(cause.code)) throw cause
    throw refuse(path, `its session does not fit: ${(cause as Error).message}`, 'write it again')
  }
}

function planOf(text: string, path: string) {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refuse(path, 'its session is not JSON', 'write it again')
  }
  const parsed = planSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw refuse(path, `its session is wrong at ${issue.path.join('.')}: ${issue.message}`, 'write it again')
}
