// Written by `npm run layers` from the files beside it.
import type { AdaptiveAvgPool2dLayer } from './adaptive_avg_pool2d.js'
import type { AddLayer } from './add.js'
import type { AvgPool2dLayer } from './avg_pool2d.js'
import type { BatchNorm2dLayer } from './batch_norm2d.js'
import type { Conv2dLayer } from './conv2d.js'
import type { DropoutLayer } from './dropout.js'
import type { FlattenLayer } from './flatten.js'
import type { LinearLayer } from './linear.js'
import type { LocalResponseNormLayer } from './local_response_norm.js'
import type { MaxPool2dLayer } from './max_pool2d.js'
import type { ReluLayer } from './relu.js'

export * from './adaptive_avg_pool2d.js'
export * from './add.js'
export * from './avg_pool2d.js'
export * from './batch_norm2d.js'
export * from './conv2d.js'
export * from './dropout.js'
export * from './flatten.js'
export * from './linear.js'
export * from './local_response_norm.js'
export * from './max_pool2d.js'
export type { Carried, From } from './parts/kind.js'
export type { Size2 } from './parts/options.js'
export * from './relu.js'

/** What a layer of each kind is. */
export interface LayersByKind<From extends string = string> {
  readonly adaptiveAvgPool2d: AdaptiveAvgPool2dLayer<From>
  readonly add: AddLayer<From>
  readonly avgPool2d: AvgPool2dLayer<From>
  readonly batchNorm2d: BatchNorm2dLayer<From>
  readonly conv2d: Conv2dLayer<From>
  readonly dropout: DropoutLayer<From>
  readonly flatten: FlattenLayer<From>
  readonly linear: LinearLayer<From>
  readonly localResponseNorm: LocalResponseNormLayer<From>
  readonly maxPool2d: MaxPool2dLayer<From>
  readonly relu: ReluLayer<From>
}

/** A layer, described. Plain data: it can be written as JSON, compared, and sent to another process. */
export type Layer<From extends string = string> = LayersByKind<From>[keyof LayersByKind]
