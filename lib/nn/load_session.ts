import { z } from 'zod'
import { refuse } from '../base/files.js'
import { path as pathKind } from '../base/kind.js'
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
const planSchema = z.object({
  batch: count,
  threads: count,
  concurrency: count,
  mean: z.array(z.number()),
  std: z.array(z.number().positive()),
  // Files of older versions do not say it.
  autocast: z.enum(['none', 'bfloat16', 'float16']).default('none'),
  forms: z.array(z.enum(LAYER_FORMS)),
})

const loadSessionOptions = {
  /**
   * Where the session runs, as where it was compiled: its forms are those that were fastest there.
   * @default 'cpu'
   */
  device: optional(deviceKind, 'cpu'),
}

export interface LoadSessionOptions extends OptionsOf<typeof loadSessionOptions> {}

/**
 * Makes a session from a file that `Session.save()` wrote, with the forms that were fastest where it was compiled:
 * nothing is measured.
 *
 * @throws TorchPruneError `ERR_FILE` for a file that is damaged, or holds a network that was not compiled.
 */
export async function loadSession(path: string, options: LoadSessionOptions = {}): Promise<Session> {
  const { device } = readOptions('loadSession', loadSessionOptions, options)
  const { metadata } = await readTensorFileHeader(pathKind.read(path, 'loadSession: path'))
  const text = metadata[SESSION_KEY]
  if (text === undefined) {
    throw refuse(path, 'it holds no session', 'load the network by loadNetwork(), and call its compile()')
  }
  const session = await sessionOf(path, planOf(text, path), device)
  // What the dense weights took would stay with the process, half as much again as a pruned network needs.
  await runJob(() => loadAddon().trimMemoryStart())
  return session
}

async function sessionOf(path: string, plan: z.infer<typeof planSchema>, device: Device): Promise<Session> {
  refuseOnCpu(`loadSession: ${path}`, device, plan)
  using network = await loadNetwork(path, { device })
  const { forms, batch, threads, concurrency, autocast, mean, std } = plan
  const normalization = mean.length > 0 ? { mean, std } : { mean: undefined, std: undefined }
  try {
    return await compileNetwork(
      network,
      { device, autocast, batch, threads, concurrency, forms: [], signal: undefined, ...normalization },
      forms,
    )
  } catch (cause) {
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
