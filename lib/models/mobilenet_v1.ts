import { prefix } from '../nn/graph.js'
import { adaptiveAvgPool2d, batchNorm2d, conv2d, flatten, linear, relu } from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import {
  type ModelOptions,
  modelOptions,
  readModelOptions,
  type SizeOptions,
  sizeOptions,
} from './options.js'

/**
 * MobileNet for CIFAR-10 (Howard et al. 2017): the published network without its first stride, since images are small.
 * Samples are `[3, 32, 32]`; it has 3,217,226 parameters.
 */
export function mobilenetV1(options: ModelOptions = {}) {
  const read = readModelOptions('mobilenet-v1', modelOptions, options)
  return network([3, 32, 32], layers(1, read.classes ?? 10), read.own)
}

/**
 * MobileNet for ImageNet (Howard et al. 2017). Samples are `[3, 224, 224]`; it has 4,231,976 parameters for 1000
 * classes.
 */
export function mobilenetV1ImageNet(options: SizeOptions = {}) {
  const read = readModelOptions('mobilenet-v1-imagenet', sizeOptions, options)
  const { size = 224 } = read
  return network([3, size, size], layers(2, read.classes ?? 1000), read.own)
}

/** One convolution with the given stride and 13 separable ones, each depthwise and then 1×1. */
function layers(stride: number, classes: number) {
  return {
    conv1: conv2d(3, 32, 3, { stride, padding: 1, bias: false }),
    bn1: batchNorm2d(32),
    relu: relu(),
    ...separable('layers.0', 32, 64, 1),
    ...separable('layers.1', 64, 128, 2),
    ...separable('layers.2', 128, 128, 1),
    ...separable('layers.3', 128, 256, 2),
    ...separable('layers.4', 256, 256, 1),
    ...separable('layers.5', 256, 512, 2),
    ...separable('layers.6', 512, 512, 1),
    ...separable('layers.7', 512, 512, 1),
    ...separable('layers.8', 512, 512, 1),
    ...separable('layers.9', 512, 512, 1),
    ...separable('layers.10', 512, 512, 1),
    ...separable('layers.11', 512, 1024, 2),
    ...separable('layers.12', 1024, 1024, 1),
    avgpool: adaptiveAvgPool2d(1),
    flatten: flatten(),
    linear: linear(1024, classes),
  }
}

function separable<const P extends string>(name: P, into: number, channels: number, stride: number) {
  return prefix(name, {
    conv1: conv2d(into, into, 3, { stride, padding: 1, groups: into, bias: false }),
    bn1: batchNorm2d(into),
    relu1: relu(),
    conv2: conv2d(into, channels, 1, { bias: false }),
    bn2: batchNorm2d(channels),
    relu2: relu(),
  })
}
