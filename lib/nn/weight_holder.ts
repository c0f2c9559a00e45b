import type { DType } from '../base/dtype.js'
import type { NativeMask, NetworkHandle } from '../binding/native.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Node } from './graph.js'
import type { Shape } from './shapes.js'

/** What reading and writing weights needs of a network. */
export interface WeightHolder {
  readonly handle: NetworkHandle
  readonly inputShape: Shape
  readonly nodes: readonly Node[]
  readonly prunable: readonly string[]
  readonly spliced: readonly string[]
  tensorNames(): readonly string[]
  tensorShapes(): [name: string, { readonly dtype: DType; readonly shape: readonly number[] }][]
  mask(layer: string): Tensor<'bool'> | undefined
  codebook(layer: string): { readonly index: Tensor; readonly values: Tensor } | undefined
  snapshot(names?: readonly string[]): Promise<Map<string, Tensor>>
  put(values: Iterable<readonly [name: string, values: Tensor]>, masks?: readonly NativeMask[]): Promise<void>
}
