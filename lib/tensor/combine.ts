import type { DType } from '../base/dtype.js'
import { invokeTensor, type Scalar } from './invoke.js'
import { Tensor } from './tensor.js'

/** Joins tensors along `dim`, the only dimension in which their sizes may differ. */
export function cat<D extends DType>(tensors: readonly Tensor<D>[], dim = 0): Tensor<D> {
  return Tensor.wrap(invokeTensor('cat', tensors, dim))
}

/** Joins tensors of one shape along a new dimension. */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], dim = 0): Tensor<D> {
  return Tensor.wrap(invokeTensor('stack', tensors, dim))
}

/** Takes elements from `yes` where the condition is true, and from `no` elsewhere; shapes broadcast. */
export function where<D extends DType>(
  condition: Tensor<'bool'>,
  yes: Tensor<D> | Scalar,
  no: Tensor<D> | Scalar,
): Tensor<D> {
  const overload = [yes, no].map((side) => (side instanceof Tensor ? 'Tensor' : 'Scalar'))
  const name = { 'Tensor,Tensor': 'self', 'Scalar,Tensor': 'ScalarSelf', 'Tensor,Scalar': 'ScalarOther' }
  return Tensor.wrap(
    invokeTensor(`where.${name[overload.join() as keyof typeof name] ?? 'Scalar'}`, condition, yes, no),
  )
}

/** Sums of products in Einstein notation: `einsum('bik,bkj->bij', a, b)`. */
export function einsum<D extends DType>(equation: string, ...tensors: readonly Tensor<D>[]): Tensor<D> {
  return Tensor.wrap(invokeTensor('einsum', equation, tensors))
}
