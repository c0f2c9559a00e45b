import { loadAddon } from '../binding/addon.js'
import type { DType } from './dtype.js'
import { Tensor } from './tensor.js'

/** A tensor's contents outside libtorch, row-major. */
export interface TensorBytes {
  readonly dtype: DType
  readonly shape: number[]
  readonly data: Uint8Array
}

/** A copy of a tensor's elements. */
export function toBytes(tensor: Tensor): TensorBytes {
  return {
    dtype: tensor.dtype,
    shape: [...tensor.shape],
    data: new Uint8Array(loadAddon().toBytes(tensor.handle)),
  }
}

/** A tensor from a copy of `data`. Throws `ERR_SHAPE` when it does not hold as many elements as the shape asks. */
export function fromBytes({ dtype, shape, data }: TensorBytes, device = 'cpu'): Tensor {
  return Tensor.wrap(loadAddon().fromBytes(data, dtype, shape, device))
}
