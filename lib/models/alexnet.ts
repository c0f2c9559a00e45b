import {
  adaptiveAvgPool2d,
  conv2d,
  dropout,
  flatten,
  linear,
  localResponseNorm,
  maxPool2d,
  relu,
} from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import {
  type HiddenOptions,
  hiddenOptions,
  hiddenSizeOptions,
  readModelOptions,
  type SizeOptions,
} from './options.js'

/**
 * AlexNet in torchvision's version (Krizhevsky 2014, "One weird trick"), without groups. Its layers have torchvision's
 * names, so the published weights load. Samples are `[3, 224, 224]`; it has 61,100,840 parameters for 1000 classes.
 */
export function alexnet(options: HiddenOptions & SizeOptions = {}) {
  const read = readModelOptions('alexnet', hiddenSizeOptions, options)
  const { classes = 1000, dropout: p = 0.5, hidden = 4096, size = 224 } = read
  return network(
    [3, size, size],
    {
      'features.0': conv2d(3, 64, 11, { stride: 4, padding: 2 }),
      'features.1': relu(),
      'features.2': maxPool2d(3, { stride: 2 }),
      'features.3': conv2d(64, 192, 5, { padding: 2 }),
      'features.4': relu(),
      'features.5': maxPool2d(3, { stride: 2 }),
      'features.6': conv2d(192, 384, 3, { padding: 1 }),
      'features.7': relu(),
      'features.8': conv2d(384, 256, 3, { padding: 1 }),
      'features.9': relu(),
      'features.10': conv2d(256, 256, 3, { padding: 1 }),
      'features.11': relu(),
      'features.12': maxPool2d(3, { stride: 2 }),
      avgpool: adaptiveAvgPool2d(6),
      flatten: flatten(),
      'classifier.0': dropout(p),
      'classifier.1': linear(256 * 6 * 6, hidden),
      'classifier.2': relu(),
      'classifier.3': dropout(p),
      'classifier.4': linear(hidden, hidden),
      'classifier.5': relu(),
      'classifier.6': linear(hidden, classes),
    },
    read.own,
  )
}

/**
 * AlexNet in Caffe's version, which the paper prunes (table 4): Krizhevsky et al. 2012, with conv2, conv4 and conv5 in
 * two groups and local response normalization before pooling. Samples are Caffe's crops, `[3, 227, 227]`; it has
 * 60,965,224 parameters for 1000 classes. Layers are named as in the paper's table; Caffe calls fc1 fc6, and so on.
 */
export function alexnetCaffe(options: HiddenOptions = {}) {
  const read = readModelOptions('alexnet-caffe', hiddenOptions, options)
  const { classes = 1000, dropout: p = 0.5, hidden = 4096 } = read
  return network(
    [3, 227, 227],
    {
      conv1: conv2d(3, 96, 11, { stride: 4 }),
      relu1: relu(),
      norm1: localResponseNorm(5),
      pool1: maxPool2d(3, { stride: 2 }),
      conv2: conv2d(96, 256, 5, { padding: 2, groups: 2 }),
      relu2: relu(),
      norm2: localResponseNorm(5),
      pool2: maxPool2d(3, { stride: 2 }),
      conv3: conv2d(256, 384, 3, { padding: 1 }),
      relu3: relu(),
      conv4: conv2d(384, 384, 3, { padding: 1, groups: 2 }),
      relu4: relu(),
      conv5: conv2d(384, 256, 3, { padding: 1, groups: 2 }),
      relu5: relu(),
      pool5: maxPool2d(3, { stride: 2 }),
      flatten: flatten(),
      fc1: linear(256 * 6 * 6, hidden),
      relu6: relu(),
      drop1: dropout(p),
      fc2: linear(hidden, hidden),
      relu7: relu(),
      drop2: dropout(p),
      fc3: linear(hidden, classes),
    },
    read.own,
  )
}
