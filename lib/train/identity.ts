import { checksumOf } from '../base/checksum.js'
import { TorchPruneError } from '../base/errors.js'
import { loadAddon } from '../binding/addon.js'
import { runJob } from '../binding/native_job.js'
import { isRandom } from '../data/augment.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { noRegularization } from '../optim/regularization.js'
import { constant, type Schedule } from '../optim/schedule.js'
import { toBytes } from '../tensor/bytes.js'
import { DEFAULT_LOSS } from './losses.js'
import { DEFAULT_TEMPERATURE, DEFAULT_WEIGHT } from './options/distillation.js'
import { DEFAULT_BATCH_SIZE, type TrainOptions } from './options.js'

/** What must be the same for training to go on: plain data by option. The epochs may differ where that changes nothing. */
export interface TrainingIdentity extends Readonly<Record<string, unknown>> {
  readonly epochs: number
  readonly data: string
  /** What each masked layer keeps. */
  readonly masks: Readonly<Record<string, string>>
}

/** How training is set up, from the options that decide what it computes. */
export type IdentityOptions = Omit<TrainOptions, 'distillation' | 'signal'> & {
  readonly distillation?:
    | Pick<NonNullable<TrainOptions['distillation']>, 'weight' | 'temperature'>
    | undefined
}

export async function identityOf(
  network: AnyNetwork,
  dataset: Dataset,
  options: IdentityOptions,
  signal?: AbortSignal,
  frozen: readonly string[] = network.frozen,
): Promise<TrainingIdentity> {
  const { epochs, optimizer, averaging, cachePrefix = false, cacheVariants, progressiveResizing } = options
  const {
    batchSize = DEFAULT_BATCH_SIZE,
    dropLast = false,
    loss = DEFAULT_LOSS,
    seed = network.seed,
  } = options
  const { accumulate = 1, syncBatchNorm = false, clipGradients, lrScale, earlyStopping } = options
  const { schedule = constant(), regularization = noRegularization, augment, distillation } = options
  const { autocast = 'none', memoryFormat = network.memoryFormat, sparse = 'off' } = options
  const teaching = distillation && {
    weight: distillation.weight ?? DEFAULT_WEIGHT,
    temperature: distillation.temperature ?? DEFAULT_TEMPERATURE,
  }
  return {
    ...{ epochs, optimizer, batchSize, dropLast, schedule, regularization, loss, averaging },
    ...{ augment: isRandom(augment) ? augment : undefined, progressiveResizing, distillation: teaching },
    ...{ accumulate, clipGradients, lrScale, earlyStopping },
    // Files of before have none.
    sparse: sparse === 'off' ? undefined : sparse,
    syncBatchNorm: syncBatchNorm || undefined,
    ...{ cachePrefix, cacheVariants, seed, autocast, memoryFormat, frozen: [...frozen].sort() },
    data: await digestOf(dataset, signal),
    masks: await masksOf(network, signal),
  }
}

/** Samples that stand for a dataset, spread evenly. */
const SAMPLES = 8

async function digestOf(dataset: Dataset, signal?: AbortSignal): Promise<string> {
  const { length } = dataset
  // What another pass would bring is the source's affair: it is read when it is trained on.
  if (Number.isNaN(length)) return `batches of [${dataset.sampleShape.join(', ')}]`
  const chosen = Array.from({ length: SAMPLES }, (_, i) => Math.floor((i * length) / SAMPLES))
  let digest: string
  try {
    using samples = await dataset.read([...new Set(chosen)], { signal })
    const images = await checksumOf(new Uint8Array(toBytes(samples.images).data))
    digest = `${images}-${await checksumOf(new Uint8Array(toBytes(samples.labels).data))}`
  } catch (error) {
    // Pictures that cannot be read are left out of training, too.
    if (!(error instanceof TorchPruneError) || error.code !== 'ERR_FILE') throw error
    digest = 'unreadable'
  }
  return `${length} samples (${digest})`
}

async function masksOf(network: AnyNetwork, signal?: AbortSignal): Promise<Record<string, string>> {
  const masks = await runJob(() => loadAddon().networkMasks(network.handle), signal)
  return Object.fromEntries(
    masks.map(({ name, count, kept, digest }) => [name, `${kept} of ${count} weights (${digest})`]),
  )
}

/** The same as words by name, for processes to compare. */
export function traitsOf(identity: TrainingIdentity): Record<string, string> {
  return Object.fromEntries(Object.entries(identity).map(([name, value]) => [name, shown(value)]))
}

/** How two trainings differ, in words; undefined where they do not. `masks` may be left out. */
export function differenceOf(
  saved: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const key of new Set([...Object.keys(now), ...Object.keys(saved)])) {
    if (key === 'epochs' || shown(saved[key]) === shown(now[key])) continue
    if (key === 'masks') return maskDifference(saved[key] as Masks, now[key] as Masks)
    if (key === 'data') return `was saved by a training on ${unlike(saved[key], now[key])}`
    return `was saved by a training with ${key}: ${shown(saved[key])}, this one has ${shown(now[key])}`
  }
  return undefined
}

type Masks = Readonly<Record<string, string>> | undefined

function maskDifference(saved: Masks = {}, now: Masks = {}): string {
  const name = [...Object.keys(now), ...Object.keys(saved)].find((each) => saved[each] !== now[each])!
  const [then, here] = [saved, now].map((masks) => masks[name] ?? 'all weights, without a mask')
  return `was saved by a training in which ${name} keeps ${unlike(then, here)}`
}

/** `44 samples, and here there are 40 samples`: what both are, without the digests that tell them apart. */
function unlike(saved: unknown, now: unknown): string {
  const [then, here] = [saved, now].map((each) => String(each).replace(/ \([^)]*\)$/, ''))
  return then === here ? `${then}, and here they are others` : `${then}, and here it is ${here}`
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'none'
}

/** Why training that was saved on the way to `saved` epochs cannot go on to `now`; undefined where it can. */
export function epochsDifference(
  saved: number,
  now: number,
  done: { readonly epoch: number; readonly steps: number },
  { schedule, averaging, progressiveResizing, earlyStopping }: Readonly<Record<string, unknown>>,
): string | undefined {
  if (saved === now) return undefined
  const cannot = (why: string) =>
    `was saved by a training of ${saved} epochs and cannot go on to ${now}, for ${why}`
  if ((schedule as Schedule).kind === 'cosine') return cannot(`its cosine schedule comes down over ${saved}`)
  if (progressiveResizing) return cannot(`progressiveResizing is laid out over ${saved}`)
  if ((averaging as TrainOptions['averaging'])?.kind === 'swa')
    return cannot(`swa() averages a share of ${saved}`)
  if (done.epoch > now + 1 || (done.epoch === now + 1 && done.steps > 0)) {
    return cannot(`it has done ${done.epoch - 1} epochs already`)
  }
  if (earlyStopping && done.epoch > saved) {
    return cannot('the weights of its best epoch have taken the place of the last ones')
  }
  if (averaging && done.epoch > Math.min(saved, now)) {
    return cannot('the average of its weights has taken their place')
  }
  return undefined
}
