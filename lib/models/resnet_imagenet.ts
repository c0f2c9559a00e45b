import {
  adaptiveAvgPool2d,
  batchNorm2d,
  conv2d,
  flatten,
  linear,
  maxPool2d,
  relu,
} from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import { type ModelOptions, readModelOptions, type SizeOptions, sizeOptions } from './options.js'
import { basic, basicProjected, bottleneck, bottleneckProjected } from './residual.js'

/**
 * ResNet-18 for ImageNet with torchvision's names, so that its published weights load. Samples are `[3, 224, 224]`; it
 * has 11,689,512 parameters for 1000 classes.
 */
export function resnet18ImageNet(options: SizeOptions = {}) {
  const read = readModelOptions('resnet-18-imagenet', sizeOptions, options)
  const { size = 224 } = read
  return network(
    [3, size, size],
    {
      ...stem(),
      ...basic('layer1.0', 'maxpool', 64),
      ...basic('layer1.1', 'layer1.0.relu', 64),
      ...basicProjected('layer2.0', 'layer1.1.relu', 128, { shortcut: 'downsample', into: 64 }),
      ...basic('layer2.1', 'layer2.0.relu', 128),
      ...basicProjected('layer3.0', 'layer2.1.relu', 256, { shortcut: 'downsample', into: 128 }),
      ...basic('layer3.1', 'layer3.0.relu', 256),
      ...basicProjected('layer4.0', 'layer3.1.relu', 512, { shortcut: 'downsample', into: 256 }),
      ...basic('layer4.1', 'layer4.0.relu', 512),
      ...head(512, read),
    },
    read.own,
  )
}

/**
 * ResNet-50 for ImageNet with torchvision's names, so that its published weights load. As in torchvision, the stride of
 * a bottleneck is in its 3×3 convolution. Samples are `[3, 224, 224]`; it has 25,557,032 parameters for 1000 classes.
 */
export function resnet50ImageNet(options: SizeOptions = {}) {
  const read = readModelOptions('resnet-50-imagenet', sizeOptions, options)
  const { size = 224 } = read
  return network(
    [3, size, size],
    {
      ...stem(),
      ...bottleneckProjected('layer1.0', 'maxpool', 64, { shortcut: 'downsample', into: 64, stride: 1 }),
      ...bottleneck('layer1.1', 'layer1.0.relu', 64),
      ...bottleneck('layer1.2', 'layer1.1.relu', 64),
      ...bottleneckProjected('layer2.0', 'layer1.2.relu', 128, { shortcut: 'downsample', into: 256 }),
      ...bottleneck('layer2.1', 'layer2.0.relu', 128),
      ...bottleneck('layer2.2', 'layer2.1.relu', 128),
      ...bottleneck('layer2.3', 'layer2.2.relu', 128),
      ...bottleneckProjected('layer3.0', 'layer2.3.relu', 256, { shortcut: 'downsample', into: 512 }),
      ...bottleneck('layer3.1', 'layer3.0.relu', 256),
      ...bottleneck('layer3.2', 'layer3.1.relu', 256),
      ...bottleneck('layer3.3', 'layer3.2.relu', 256),
      ...bottleneck('layer3.4', 'layer3.3.relu', 256),
      ...bottleneck('layer3.5', 'layer3.4.relu', 256),
      ...bottleneckProjected('layer4.0', 'layer3.5.relu', 512, { shortcut: 'downsample', into: 1024 }),
      ...bottleneck('layer4.1', 'layer4.0.relu', 512),
      ...bottleneck('layer4.2', 'layer4.1.relu', 512),
      ...head(2048, read),
    },
    read.own,
  )
}

function stem() {
  return {
    conv1: conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false }),
    bn1: batchNorm2d(64),
    relu: relu(),
    maxpool: maxPool2d(3, { stride: 2, padding: 1 }),
  }
}

function head(features: number, { classes = 1000 }: ModelOptions) {
  return { avgpool: adaptiveAvgPool2d(1), flatten: flatten(), fc: linear(features, classes) }
}
