// Written by `npm run layers` from the files beside it.
import type { AdaptiveAvgPool2dLayer } from './adaptive_avg_pool2d.js'
import type { AddLayer } from './add.js'
import type { AvgPool2dLayer } from './avg_pool2d.js'
import type { BatchNorm2dLayer } from './batch_norm2d.js'
import type { ConcatLayer } from './concat.js'
import type { ConvTranspose2dLayer } from './conv_transpose2d.js'
import type { Conv1dLayer } from './conv1d.js'
import type { Conv2dLayer } from './conv2d.js'
import type { DropoutLayer } from './dropout.js'
import type { FlattenLayer } from './flatten.js'
import type { GeluLayer } from './gelu.js'
import type { GroupNormLayer } from './group_norm.js'
import type { HardswishLayer } from './hardswish.js'
import type { LayerNormLayer } from './layer_norm.js'
import type { LeakyReluLayer } from './leaky_relu.js'
import type { LinearLayer } from './linear.js'
import type { LocalResponseNormLayer } from './local_response_norm.js'
import type { MaxPool2dLayer } from './max_pool2d.js'
import type { MulLayer } from './mul.js'
import type { ReluLayer } from './relu.js'
import type { Relu6Layer } from './relu6.js'
import type { SigmoidLayer } from './sigmoid.js'
import type { SiluLayer } from './silu.js'
import type { TanhLayer } from './tanh.js'
import type { UpsampleLayer } from './upsample.js'

export * from './adaptive_avg_pool2d.js'
export * from './add.js'
export * from './avg_pool2d.js'
export * from './batch_norm2d.js'
export * from './concat.js'
export * from './conv_transpose2d.js'
export * from './conv1d.js'
export * from './conv2d.js'
export * from './dropout.js'
export * from './flatten.js'
export * from './gelu.js'
export * from './group_norm.js'
export * from './hardswish.js'
export * from './layer_norm.js'
export * from './leaky_relu.js'
export * from './linear.js'
export * from './local_response_norm.js'
export * from './max_pool2d.js'
export * from './mul.js'
export type { Carried, From } from './parts/kind.js'
export type { Size2 } from './parts/options.js'
export * from './relu.js'
export * from './relu6.js'
export * from './sigmoid.js'
export * from './silu.js'
export * from './tanh.js'
export * from './upsample.js'

/** What a layer of each kind is. */
export interface LayersByKind<From extends string = string> {
  readonly adaptiveAvgPool2d: AdaptiveAvgPool2dLayer<From>
  readonly add: AddLayer<From>
  readonly avgPool2d: AvgPool2dLayer<From>
  readonly batchNorm2d: BatchNorm2dLayer<From>
  readonly concat: ConcatLayer<From>
  readonly conv1d: Conv1dLayer<From>
  readonly conv2d: Conv2dLayer<From>
  readonly convTranspose2d: ConvTranspose2dLayer<From>
  readonly dropout: DropoutLayer<From>
  readonly flatten: FlattenLayer<From>
  readonly gelu: GeluLayer<From>
  readonly groupNorm: GroupNormLayer<From>
  readonly hardswish: HardswishLayer<From>
  readonly layerNorm: LayerNormLayer<From>
  readonly leakyRelu: LeakyReluLayer<From>
  readonly linear: LinearLayer<From>
  readonly localResponseNorm: LocalResponseNormLayer<From>
  readonly maxPool2d: MaxPool2dLayer<From>
  readonly mul: MulLayer<From>
  readonly relu: ReluLayer<From>
  readonly relu6: Relu6Layer<From>
  readonly sigmoid: SigmoidLayer<From>
  readonly silu: SiluLayer<From>
  readonly tanh: TanhLayer<From>
  readonly upsample: UpsampleLayer<From>
}

/** A layer, described. Plain data: it can be written as JSON, compared, and sent to another process. */
export type Layer<From extends string = string> = LayersByKind<From>[keyof LayersByKind]
