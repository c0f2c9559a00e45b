import { TorchPruneError } from '../base/errors.js'
import type { ReadOf } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { NetworkHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { Device } from '../tensor/device.js'
import type { compileOptions } from './options.js'
import { type LayerForm, Session, type SessionSource } from './session.js'

/** Makes a session of a network that nobody else has. */
export async function compile(
  network: NetworkHandle,
  inputShape: readonly number[],
  device: Device,
  options: ReadOf<typeof compileOptions>,
  source: SessionSource,
  chosen?: readonly LayerForm[],
): Promise<Session> {
  const native = loadAddon()
  const { batch, threads = native.jobThreads(), concurrency, forms, autocast = 'none', signal } = options
  const { mean, std } = normalization(options, inputShape[0]!)
  const settings = { batch, threads, concurrency, inputShape, autocast, mean, std }
  const compiled = await runJob(
    () => native.sessionCompileStart(network, { ...settings, forms, chosen }),
    signal,
  ).catch((cause: unknown) => {
    if (!(cause instanceof TorchPruneError && cause.code === 'ERR_MEMORY')) throw cause
    const what = `Network.compile: there is not the memory for a batch of ${batch}, ${concurrency} at once`
    throw new TorchPruneError('ERR_MEMORY', `${what}: give a smaller batch`, { cause })
  })
  return new Session(compiled, { ...settings, device }, source)
}

/** What bytes are normalized by: the same number of channels for both. */
function normalization({ mean, std }: ReadOf<typeof compileOptions>, channels: number) {
  if (mean === undefined && std === undefined) return { mean: [], std: [] }
  const read = { mean: mean ?? Array(channels).fill(0), std: std ?? Array(channels).fill(1) }
  for (const [name, values] of Object.entries(read)) {
    if (values.length === channels) continue
    const message = `Network.compile: ${name} has ${values.length} numbers, and samples have ${channels} channels: give one for each`
    throw new TorchPruneError('ERR_ARGUMENT', message)
  }
  if (read.std.some((value) => !(value > 0))) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `Network.compile: std must be above 0, got [${read.std.join(', ')}]`,
    )
  }
  return read
}
