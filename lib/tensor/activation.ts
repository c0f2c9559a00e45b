import type { DType } from '../base/dtype.js'
import { words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import type { Floated } from './elements.js'
import { LinearAlgebra } from './linalg.js'
import type { Tensor } from './tensor.js'

const geluOptions = {
  /**
   * Which formula to compute: the exact one or the one with tanh.
   * @default 'none'
   */
  approximate: optional(words('none', 'tanh')),
}

/** Activation functions of networks. Those that take weights or targets are in `functional`. */
export class Activation<D extends DType> extends LinearAlgebra<D> {
  /** `max(x, 0)`. */
  relu(): Tensor<D> {
    return this.apply('relu')
  }
  /** `relu` in place. */
  relu_(): this {
    return this.applyInPlace('relu_')
  }
  /** `x` where positive, otherwise `negativeSlope × x`. */
  leakyRelu(negativeSlope = 0.01): Tensor<D> {
    return this.apply('leaky_relu', negativeSlope)
  }
  /** `x` where positive, otherwise `alpha × (exp(x) − 1)`. */
  elu(alpha = 1): Tensor<D> {
    return this.apply('elu', alpha)
  }
  /** `x × Φ(x)`, where Φ is the normal distribution function. */
  gelu(options?: OptionsOf<typeof geluOptions>): Tensor<D> {
    const { approximate } = readOptions('gelu', geluOptions, options)
    return this.apply('gelu', approximate)
  }
  /** `x × sigmoid(x)`. */
  silu(): Tensor<D> {
    return this.apply('silu')
  }
  /** `log(1 + exp(x))`. */
  softplus(): Tensor<D> {
    return this.apply('softplus')
  }
  /** `1 / (1 + exp(−x))`; integers give float32. */
  sigmoid(): Tensor<Floated<D>> {
    return this.apply('sigmoid')
  }
  /** The hyperbolic tangent; integers give float32. */
  tanh(): Tensor<Floated<D>> {
    return this.apply('tanh')
  }
  /** Exponentials that are normalized to sum 1 along `dim`. */
  softmax(dim: number): Tensor<D> {
    return this.apply('softmax.int', dim)
  }
  /** The logarithm of `softmax(dim)`, computed without overflow. */
  logSoftmax(dim: number): Tensor<D> {
    return this.apply('log_softmax.int', dim)
  }
  /**
   * One row of `classes` zeros with a single one, for each index of this int64 tensor. Without `classes`, there are as
   * many as the largest index requires.
   */
  oneHot(classes = -1): Tensor<'int64'> {
    return this.apply('one_hot', classes)
  }
}
