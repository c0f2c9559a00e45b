import type { MemoryFormat } from '../../base/compute.js'
import type { DType } from '../../base/dtype.js'
import type { NetworkHandle, TensorHandle } from './handles.js'
import type { NativeJob } from './job.js'
import type { NonFiniteTensor } from './non_finite.js'

/** How a parameter with a mask is parametrized: a file each in native/parameter/. */
export type NativeParametrization = 'sealed' | 'spliced' | 'codebook' | 'rounded'

/**
 * A mask of a parameter, or the index of its shared values (0 where it is pruned). Without `keep`, it keeps what the
 * existing mask keeps, or everything if there is none.
 */
export interface NativeMask {
  readonly name: string
  readonly kind: NativeParametrization | 'none'
  readonly keep?: TensorHandle | undefined
  /** Of weights that look for values to share: what a bit costs, by the mean square of the kept weights. */
  readonly price?: number | undefined
}

/** Networks: their tensors, masks, layers and states. */
export interface NetworkFunctions {
  /** Its initial weights are drawn when they are first needed, or by `networkDraw` or `networkDrawStart`. */
  networkMake(layers: readonly object[], seed: number, device: string): NetworkHandle
  networkDraw(network: NetworkHandle): void
  networkDrawStart(network: NetworkHandle): NativeJob<void>
  networkDispose(network: NetworkHandle): void
  networkForward(network: NetworkHandle, input: TensorHandle, training: boolean): TensorHandle

  networkTensors(
    network: NetworkHandle,
  ): { name: string; layer: string; parameter: boolean; shape: number[]; dtype: DType }[]
  networkTensor(network: NetworkHandle, name: string): TensorHandle
  /** A tensor's current contents; they are copied only when either side is written to. The same holds for a mask. */
  networkSnapshot(network: NetworkHandle, name: string): TensorHandle
  /** Sets values and masks together: either all of them or none. */
  networkPutStart(
    network: NetworkHandle,
    values: readonly { readonly name: string; readonly values: TensorHandle }[],
    masks: readonly NativeMask[],
  ): NativeJob<void>
  networkNonFinite(network: NetworkHandle): NativeJob<NonFiniteTensor[]>

  networkMask(network: NetworkHandle, name: string): TensorHandle | undefined
  /** Describes the mask of each weight that has one; equal masks have equal `digest`s. */
  networkMasks(
    network: NetworkHandle,
  ): NativeJob<{ name: string; count: number; kept: number; digest: string }[]>
  /** The parameters that are not plain, by name. */
  networkParametrizations(network: NetworkHandle): Record<string, NativeParametrization>
  networkUnsealedStart(network: NetworkHandle): NativeJob<Record<string, number>>

  networkSetTrainable(network: NetworkHandle, layer: string, trainable: boolean): void
  /** The position of the last layer of the frozen, deterministic part at the front; -1 if there is none. */
  networkFrozenPrefix(network: NetworkHandle): number
  networkSetDropout(network: NetworkHandle, layer: string, p: number): void
  networkReseed(network: NetworkHandle, seed: number): void
  networkRandomState(network: NetworkHandle): TensorHandle
  networkSetRandomState(network: NetworkHandle, state: TensorHandle): void
  networkToStart(network: NetworkHandle, device: string): NativeJob<void>
  networkFormat(network: NetworkHandle): MemoryFormat
  networkFormatStart(network: NetworkHandle, format: MemoryFormat): NativeJob<undefined>
}
