import type { Abortable } from '../base/abort.js'
import type { ComputeOptions } from '../base/compute.js'
import { TorchPruneError } from '../base/errors.js'
import { product } from '../base/lists.js'
import { loadAddon } from '../binding/addon.js'
import type { NonFinite, NonFiniteTensor } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { Dataset } from '../data/dataset.js'
import type { AnyNetwork } from '../nn/any_network.js'
import type { Tensor } from '../tensor/tensor.js'

/** `3 NaN`, `2 infinite values`, or both. */
export function countOf({ nan, infinite }: Pick<NonFinite, 'nan' | 'infinite'>): string {
  const parts = [
    nan > 0 && `${nan} NaN`,
    infinite > 0 && `${infinite} infinite value${infinite > 1 ? 's' : ''}`,
  ]
  return parts.filter(Boolean).join(' and ')
}

type FoundIn = Omit<NonFiniteTensor, 'first'>

/** `fc1.weight holds 3 NaN of 512 values`. */
export function heldBy({ name, count, ...found }: FoundIn): string {
  return `${name} holds ${countOf(found)} of ${count} values`
}

/** Throws `ERR_ARGUMENT` naming the parameters or buffers of a network that are NaN or infinite. */
export async function checkWeights(
  network: AnyNetwork,
  signal?: AbortSignal,
  owner = 'the network',
): Promise<void> {
  refuseWeights(await runJob(() => loadAddon().networkNonFinite(network.handle), signal), owner)
}

/** Throws `ERR_ARGUMENT` naming the first of the tensors that were found to hold NaN or infinite values, if any. */
export function refuseWeights(found: readonly FoundIn[], owner = 'the network'): void {
  if (found.length === 0) return
  const [first, ...others] = found
  const more = others.length > 0 ? `, and ${others.length} more tensors hold some` : ''
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${owner}'s ${heldBy(first!)}${more}: load or make its weights again`,
  )
}

/** Throws `ERR_ARGUMENT` if samples in memory are NaN or infinite. `name` is what the error calls them. */
export async function checkValues(dataset: Dataset, name: string, signal?: AbortSignal): Promise<void> {
  const found = await runJob(() => loadAddon().datasetNonFinite(dataset.handle), signal)
  if (found.first < 0) return
  const where = found.targets ? `the targets of ${name} hold` : `${name} holds`
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${where} ${countOf(found)}, the first in sample ${found.first}: replace them, or leave such samples out`,
  )
}

/** Throws `ERR_ARGUMENT` if a teacher's outputs, `[N, …]`, are NaN or infinite. */
export async function checkLogits(logits: Tensor, signal?: AbortSignal): Promise<void> {
  const found = await runJob(() => loadAddon().tensorNonFinite(logits.handle), signal)
  if (found.first < 0) return
  const each = product(logits.shape.slice(1))
  const sample = Math.floor(found.first / each)
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `the teacher's logits hold ${countOf(found)}, the first for sample ${sample}: ask a teacher whose outputs are finite`,
  )
}

/** Says why some outputs of a network are NaN or infinite. */
export async function causeOfOutputs(
  network: AnyNetwork,
  dataset: Dataset,
  { autocast, signal }: Pick<ComputeOptions, 'autocast'> & Abortable,
): Promise<TorchPruneError> {
  try {
    await checkWeights(network, signal)
    await checkValues(dataset, 'the dataset', signal)
  } catch (error) {
    if (error instanceof TorchPruneError) return error
    throw error
  }
  if (autocast === 'float16') {
    return new TorchPruneError(
      'ERR_TORCH',
      "the network's outputs are not finite in float16, which ends at 65504: use autocast 'bfloat16', or scale the samples to about 1",
    )
  }
  return new TorchPruneError(
    'ERR_TORCH',
    "the network's outputs are too large for float32, though its weights and samples are numbers: scale the samples to about 1, or train it again at a lower learning rate",
  )
}
