import { prefix } from '../nn/graph.js'
import {
  adaptiveAvgPool2d,
  add,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  relu6,
} from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import {
  type DropoutOptions,
  type DropoutSizeOptions,
  dropoutOptions,
  dropoutSizeOptions,
  readModelOptions,
} from './options.js'
import { named } from './residual.js'

/**
 * MobileNetV2 for CIFAR-10 (Sandler et al. 2018): the published network without its first two strides, since images
 * are small. Samples are `[3, 32, 32]`; it has 2,236,682 parameters.
 */
export function mobilenetV2(options: DropoutOptions = {}) {
  const read = readModelOptions('mobilenet-v2', dropoutOptions, options)
  const { classes = 10, dropout = 0.2 } = read
  return network([3, 32, 32], { ...features(1, 1), ...classifier(classes, dropout) }, read.own)
}

/**
 * MobileNetV2 for ImageNet (Sandler et al. 2018) with torchvision's names, so that its published weights load. Samples
 * are `[3, 224, 224]`; it has 3,504,872 parameters for 1000 classes.
 */
export function mobilenetV2ImageNet(options: DropoutSizeOptions = {}) {
  const read = readModelOptions('mobilenet-v2-imagenet', dropoutSizeOptions, options)
  const { classes = 1000, dropout = 0.2, size = 224 } = read
  return network([3, size, size], { ...features(2, 2), ...classifier(classes, dropout) }, read.own)
}

/** `first` and `second` are the strides of the first convolution and of the second stage. */
function features(first: number, second: number) {
  return {
    'features.0.0': conv2d(3, 32, 3, { stride: first, padding: 1, bias: false }),
    'features.0.1': batchNorm2d(32),
    'features.0.2': relu6(),
    ...prefix('features.1', {
      'conv.0.0': depthwise(32, 1),
      'conv.0.1': batchNorm2d(32),
      'conv.0.2': relu6(),
      'conv.1': conv2d(32, 16, 1, { bias: false }),
      'conv.2': batchNorm2d(16),
    }),
    ...block('features.2', 16, 24, second),
    ...residual('features.3', 'features.2.conv.3', 24),
    ...block('features.4', 24, 32, 2),
    ...residual('features.5', 'features.4.conv.3', 32),
    ...residual('features.6', 'features.5.add', 32),
    ...block('features.7', 32, 64, 2),
    ...residual('features.8', 'features.7.conv.3', 64),
    ...residual('features.9', 'features.8.add', 64),
    ...residual('features.10', 'features.9.add', 64),
    ...block('features.11', 64, 96, 1),
    ...residual('features.12', 'features.11.conv.3', 96),
    ...residual('features.13', 'features.12.add', 96),
    ...block('features.14', 96, 160, 2),
    ...residual('features.15', 'features.14.conv.3', 160),
    ...residual('features.16', 'features.15.add', 160),
    ...block('features.17', 160, 320, 1),
    'features.18.0': conv2d(320, 1280, 1, { bias: false }),
    'features.18.1': batchNorm2d(1280),
    'features.18.2': relu6(),
  }
}

function classifier(classes: number, p: number) {
  return {
    avgpool: adaptiveAvgPool2d(1),
    flatten: flatten(),
    'classifier.0': dropout(p),
    'classifier.1': linear(1280, classes),
  }
}

/** A block: it widens to six times the channels, convolves depthwise, and projects linearly to its own channels. */
function block<const P extends string>(name: P, into: number, channels: number, stride: number) {
  const wide = 6 * into
  return prefix(name, {
    'conv.0.0': conv2d(into, wide, 1, { bias: false }),
    'conv.0.1': batchNorm2d(wide),
    'conv.0.2': relu6(),
    'conv.1.0': depthwise(wide, stride),
    'conv.1.1': batchNorm2d(wide),
    'conv.1.2': relu6(),
    'conv.2': conv2d(wide, channels, 1, { bias: false }),
    'conv.3': batchNorm2d(channels),
  })
}

/** Such a block added to its input, which must be the layer before it. */
function residual<const P extends string, const F extends string>(name: P, from: F, channels: number) {
  return {
    ...block(name, channels, channels, 1),
    ...named(`${name}.add`, add<`${P}.conv.3` | F>(`${name}.conv.3`, from)),
  }
}

function depthwise(channels: number, stride: number) {
  return conv2d(channels, channels, 3, { stride, padding: 1, groups: channels, bias: false })
}
