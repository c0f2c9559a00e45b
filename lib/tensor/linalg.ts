import type { DType } from '../base/dtype.js'
import { number } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { Shaped } from './shape.js'
import type { Tensor } from './tensor.js'

const addmmOptions = {
  /**
   * The factor of this tensor.
   * @default 1
   */
  beta: optional(number()),
  /**
   * The factor of the product.
   * @default 1
   */
  alpha: optional(number()),
}

/** Products and decompositions of matrices. */
export class LinearAlgebra<D extends DType> extends Shaped<D> {
  /** Multiplies vectors, matrices and batches of matrices like PyTorch's `matmul`. */
  matmul(other: Tensor<D>): Tensor<D> {
    return this.apply('matmul', other)
  }
  /** `[n, k] × [k, m]`. */
  mm(other: Tensor<D>): Tensor<D> {
    return this.apply('mm', other)
  }
  /** `[b, n, k] × [b, k, m]`. */
  bmm(other: Tensor<D>): Tensor<D> {
    return this.apply('bmm', other)
  }
  /** `[n, k] × [k]`. */
  mv(vector: Tensor<D>): Tensor<D> {
    return this.apply('mv', vector)
  }
  /** `[n] · [n]`. */
  dot(vector: Tensor<D>): Tensor<D> {
    return this.apply('dot', vector)
  }
  /** `[n] × [m]`: the matrix of all products. */
  outer(vector: Tensor<D>): Tensor<D> {
    return this.apply('outer', vector)
  }
  /** `beta × this + alpha × a × b`, for matrices `a` and `b`. */
  addmm(a: Tensor<D>, b: Tensor<D>, options?: OptionsOf<typeof addmmOptions>): Tensor<D> {
    const { beta, alpha } = readOptions('addmm', addmmOptions, options)
    return this.apply('addmm', a, b, beta, alpha)
  }
  /** The sum of the diagonal of a matrix. */
  trace(): Tensor<D> {
    return this.apply('trace')
  }
  /** The inverse of a square matrix, or of each in a batch. */
  inverse(): Tensor<D> {
    return this.apply('linalg_inv')
  }
  /** The reduced decomposition `u × diag(s) × vh`, with `s` in descending order. */
  svd(): { u: Tensor<D>; s: Tensor<D>; vh: Tensor<D> } {
    const [u, s, vh] = this.applyMany<D>('linalg_svd', false)
    return { u: u!, s: s!, vh: vh! }
  }
}
