import { adaptiveAvgPool2d, batchNorm2d, conv2d, flatten, linear, relu } from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import { type ModelOptions, modelOptions, readModelOptions } from './options.js'
import { basic, basicProjected, bottleneck, bottleneckProjected } from './residual.js'

// As in the summary's code: a 3×3 stem without pooling, shortcuts named `shortcut`, and a classifier named `linear`.

/** ResNet-9 for CIFAR-10, with one basic block per stage. Samples are `[3, 32, 32]`; it has 4,903,242 parameters. */
export function resnet9(options: ModelOptions = {}) {
  const read = readModelOptions('resnet-9', modelOptions, options)
  return network(
    [3, 32, 32],
    {
      ...stem(),
      ...basic('layer1.0', 'relu', 64),
      ...basicProjected('layer2.0', 'layer1.0.relu', 128, { shortcut: 'shortcut', into: 64 }),
      ...basicProjected('layer3.0', 'layer2.0.relu', 256, { shortcut: 'shortcut', into: 128 }),
      ...basicProjected('layer4.0', 'layer3.0.relu', 512, { shortcut: 'shortcut', into: 256 }),
      ...head(512, read),
    },
    read.own,
  )
}

/** ResNet-18 for CIFAR-10, with two basic blocks per stage. Samples are `[3, 32, 32]`; it has 11,173,962 parameters. */
export function resnet18(options: ModelOptions = {}) {
  const read = readModelOptions('resnet-18', modelOptions, options)
  return network(
    [3, 32, 32],
    {
      ...stem(),
      ...basic('layer1.0', 'relu', 64),
      ...basic('layer1.1', 'layer1.0.relu', 64),
      ...basicProjected('layer2.0', 'layer1.1.relu', 128, { shortcut: 'shortcut', into: 64 }),
      ...basic('layer2.1', 'layer2.0.relu', 128),
      ...basicProjected('layer3.0', 'layer2.1.relu', 256, { shortcut: 'shortcut', into: 128 }),
      ...basic('layer3.1', 'layer3.0.relu', 256),
      ...basicProjected('layer4.0', 'layer3.1.relu', 512, { shortcut: 'shortcut', into: 256 }),
      ...basic('layer4.1', 'layer4.0.relu', 512),
      ...head(512, read),
    },
    read.own,
  )
}

/** ResNet-34 for CIFAR-10, with 3, 4, 6 and 3 basic blocks. Samples are `[3, 32, 32]`; it has 21,282,122 parameters. */
export function resnet34(options: ModelOptions = {}) {
  const read = readModelOptions('resnet-34', modelOptions, options)
  return network(
    [3, 32, 32],
    {
      ...stem(),
      ...basic('layer1.0', 'relu', 64),
      ...basic('layer1.1', 'layer1.0.relu', 64),
      ...basic('layer1.2', 'layer1.1.relu', 64),
      ...basicProjected('layer2.0', 'layer1.2.relu', 128, { shortcut: 'shortcut', into: 64 }),
      ...basic('layer2.1', 'layer2.0.relu', 128),
      ...basic('layer2.2', 'layer2.1.relu', 128),
      ...basic('layer2.3', 'layer2.2.relu', 128),
      ...basicProjected('layer3.0', 'layer2.3.relu', 256, { shortcut: 'shortcut', into: 128 }),
      ...basic('layer3.1', 'layer3.0.relu', 256),
      ...basic('layer3.2', 'layer3.1.relu', 256),
      ...basic('layer3.3', 'layer3.2.relu', 256),
      ...basic('layer3.4', 'layer3.3.relu', 256),
      ...basic('layer3.5', 'layer3.4.relu', 256),
      ...basicProjected('layer4.0', 'layer3.5.relu', 512, { shortcut: 'shortcut', into: 256 }),
      ...basic('layer4.1', 'layer4.0.relu', 512),
      ...basic('layer4.2', 'layer4.1.relu', 512),
      ...head(512, read),
    },
    read.own,
  )
}

/** ResNet-50 for CIFAR-10, with 3, 4, 6 and 3 bottlenecks. Samples are `[3, 32, 32]`; it has 23,520,842 parameters. */
export function resnet50(options: ModelOptions = {}) {
  const read = readModelOptions('resnet-50', modelOptions, options)
  return network(
    [3, 32, 32],
    {
      ...stem(),
      ...bottleneckProjected('layer1.0', 'relu', 64, { shortcut: 'shortcut', into: 64, stride: 1 }),
      ...bottleneck('layer1.1', 'layer1.0.relu', 64),
      ...bottleneck('layer1.2', 'layer1.1.relu', 64),
      ...bottleneckProjected('layer2.0', 'layer1.2.relu', 128, { shortcut: 'shortcut', into: 256 }),
      ...bottleneck('layer2.1', 'layer2.0.relu', 128),
      ...bottleneck('layer2.2', 'layer2.1.relu', 128),
      ...bottleneck('layer2.3', 'layer2.2.relu', 128),
      ...bottleneckProjected('layer3.0', 'layer2.3.relu', 256, { shortcut: 'shortcut', into: 512 }),
      ...bottleneck('layer3.1', 'layer3.0.relu', 256),
      ...bottleneck('layer3.2', 'layer3.1.relu', 256),
      ...bottleneck('layer3.3', 'layer3.2.relu', 256),
      ...bottleneck('layer3.4', 'layer3.3.relu', 256),
      ...bottleneck('layer3.5', 'layer3.4.relu', 256),
      ...bottleneckProjected('layer4.0', 'layer3.5.relu', 512, { shortcut: 'shortcut', into: 1024 }),
      ...bottleneck('layer4.1', 'layer4.0.relu', 512),
      ...bottleneck('layer4.2', 'layer4.1.relu', 512),
      ...head(2048, read),
    },
    read.own,
  )
}

function stem() {
  return { conv1: conv2d(3, 64, 3, { padding: 1, bias: false }), bn1: batchNorm2d(64), relu: relu() }
}

function head(features: number, { classes = 10 }: ModelOptions) {
  return { avgpool: adaptiveAvgPool2d(1), flatten: flatten(), linear: linear(features, classes) }
}
