import {
  adaptiveAvgPool2d,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  maxPool2d,
  relu,
} from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import { type HiddenOptions, hiddenSizeOptions, readModelOptions, type SizeOptions } from './options.js'

/**
 * VGG-16 (Simonyan and Zisserman 2014, configuration D) with torchvision's names, so that its published weights load.
 * Samples are `[3, 224, 224]`; it has 138,357,544 parameters for 1000 classes.
 */
export function vgg16(options: HiddenOptions & SizeOptions = {}) {
  const read = readModelOptions('vgg-16', hiddenSizeOptions, options)
  const { size = 224 } = read
  return network(
    [3, size, size],
    {
      'features.0': conv2d(3, 64, 3, { padding: 1 }),
      'features.1': relu(),
      'features.2': conv2d(64, 64, 3, { padding: 1 }),
      'features.3': relu(),
      'features.4': maxPool2d(2),
      'features.5': conv2d(64, 128, 3, { padding: 1 }),
      'features.6': relu(),
      'features.7': conv2d(128, 128, 3, { padding: 1 }),
      'features.8': relu(),
      'features.9': maxPool2d(2),
      'features.10': conv2d(128, 256, 3, { padding: 1 }),
      'features.11': relu(),
      'features.12': conv2d(256, 256, 3, { padding: 1 }),
      'features.13': relu(),
      'features.14': conv2d(256, 256, 3, { padding: 1 }),
      'features.15': relu(),
      'features.16': maxPool2d(2),
      'features.17': conv2d(256, 512, 3, { padding: 1 }),
      'features.18': relu(),
      'features.19': conv2d(512, 512, 3, { padding: 1 }),
      'features.20': relu(),
      'features.21': conv2d(512, 512, 3, { padding: 1 }),
      'features.22': relu(),
      'features.23': maxPool2d(2),
      'features.24': conv2d(512, 512, 3, { padding: 1 }),
      'features.25': relu(),
      'features.26': conv2d(512, 512, 3, { padding: 1 }),
      'features.27': relu(),
      'features.28': conv2d(512, 512, 3, { padding: 1 }),
      'features.29': relu(),
      'features.30': maxPool2d(2),
      ...classifier(read),
    },
    read.own,
  )
}

/** {@link vgg16} with batch normalization after each convolution, like torchvision's. It has 138,365,992 parameters. */
export function vgg16bn(options: HiddenOptions & SizeOptions = {}) {
  const read = readModelOptions('vgg-16-bn', hiddenSizeOptions, options)
  const { size = 224 } = read
  return network(
    [3, size, size],
    {
      'features.0': conv2d(3, 64, 3, { padding: 1 }),
      'features.1': batchNorm2d(64),
      'features.2': relu(),
      'features.3': conv2d(64, 64, 3, { padding: 1 }),
      'features.4': batchNorm2d(64),
      'features.5': relu(),
      'features.6': maxPool2d(2),
      'features.7': conv2d(64, 128, 3, { padding: 1 }),
      'features.8': batchNorm2d(128),
      'features.9': relu(),
      'features.10': conv2d(128, 128, 3, { padding: 1 }),
      'features.11': batchNorm2d(128),
      'features.12': relu(),
      'features.13': maxPool2d(2),
      'features.14': conv2d(128, 256, 3, { padding: 1 }),
      'features.15': batchNorm2d(256),
      'features.16': relu(),
      'features.17': conv2d(256, 256, 3, { padding: 1 }),
      'features.18': batchNorm2d(256),
      'features.19': relu(),
      'features.20': conv2d(256, 256, 3, { padding: 1 }),
      'features.21': batchNorm2d(256),
      'features.22': relu(),
      'features.23': maxPool2d(2),
      'features.24': conv2d(256, 512, 3, { padding: 1 }),
      'features.25': batchNorm2d(512),
      'features.26': relu(),
      'features.27': conv2d(512, 512, 3, { padding: 1 }),
      'features.28': batchNorm2d(512),
      'features.29': relu(),
      'features.30': conv2d(512, 512, 3, { padding: 1 }),
      'features.31': batchNorm2d(512),
      'features.32': relu(),
      'features.33': maxPool2d(2),
      'features.34': conv2d(512, 512, 3, { padding: 1 }),
      'features.35': batchNorm2d(512),
      'features.36': relu(),
      'features.37': conv2d(512, 512, 3, { padding: 1 }),
      'features.38': batchNorm2d(512),
      'features.39': relu(),
      'features.40': conv2d(512, 512, 3, { padding: 1 }),
      'features.41': batchNorm2d(512),
      'features.42': relu(),
      'features.43': maxPool2d(2),
      ...classifier(read),
    },
    read.own,
  )
}

function classifier({ classes = 1000, dropout: p = 0.5, hidden = 4096 }: HiddenOptions) {
  return {
    avgpool: adaptiveAvgPool2d(7),
    flatten: flatten(),
    'classifier.0': linear(512 * 7 * 7, hidden),
    'classifier.1': relu(),
    'classifier.2': dropout(p),
    'classifier.3': linear(hidden, hidden),
    'classifier.4': relu(),
    'classifier.5': dropout(p),
    'classifier.6': linear(hidden, classes),
  }
}
