import type { DType } from '../base/dtype.js'
import { words } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import type { Floated } from './elements.js'
import { LinearAlgebra } from './linalg.js'
import type { Tensor } from './tensor.js'

const geluOptions = {
  /** @default 'none' */
  approximate: optional(words('none', 'tanh')),
}

/** The activations of networks. What takes weights or targets is in `functional`. */
export class Activation<D extends DType> extends LinearAlgebra<D> {
  relu(): Tensor<D> {
    return this.apply('relu')
  }
  relu_(): this {
    return this.applyInPlace('relu_')
  }
  leakyRelu(negativeSlope = 0.01): Tensor<D> {
    return this.apply('leaky_relu', negativeSlope)
  }
  elu(alpha = 1): Tensor<D> {
    return this.apply('elu', alpha)
  }
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
  sigmoid(): Tensor<Floated<D>> {
    return this.apply('sigmoid')
  }
  tanh(): Tensor<Floated<D>> {
    return this.apply('tanh')
  }
  /** Positive, with sum 1 along `dim`. */
  softmax(dim: number): Tensor<D> {
    return this.apply('softmax.int', dim)
  }
  logSoftmax(dim: number): Tensor<D> {
    return this.apply('log_softmax.int', dim)
  }
  /**
   * One row of `classes` zeros and a one for each index; without `classes`, as many as the largest index
   * asks.
   */
  oneHot(classes = -1): Tensor<'int64'> {
    return this.apply('one_hot', classes)
  }
}
