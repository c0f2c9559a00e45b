import { conv2d, dropout, flatten, linear, maxPool2d, relu } from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import { type ModelOptions, modelOptions, readModelOptions } from './options.js'

/** LeNet-5 in Caffe's version, for samples `[1, 28, 28]`: no ReLU after the convolutions, 431,080 parameters. */
export function lenet5(options: ModelOptions = {}) {
  const read = readModelOptions('lenet-5', modelOptions, options)
  return network([1, 28, 28], layers(read), read.own)
}

/**
 * LeNet-5 with dropout before each layer but the first, at lower rates closer to the input, which makes it train to
 * fewer errors.
 */
export function lenet5Dropout(options: ModelOptions = {}) {
  const read = readModelOptions('lenet-5-dropout', modelOptions, options)
  const { conv1, pool1, conv2, pool2, flatten, fc1, relu1, fc2 } = layers(read)
  const [drop1, drop2, drop3] = [dropout(0.1), dropout(0.3), dropout(0.5)]
  return network(
    [1, 28, 28],
    { conv1, pool1, drop1, conv2, pool2, flatten, drop2, fc1, relu1, drop3, fc2 },
    read.own,
  )
}

function layers({ classes = 10 }: ModelOptions) {
  return {
    conv1: conv2d(1, 20, 5),
    pool1: maxPool2d(2),
    conv2: conv2d(20, 50, 5),
    pool2: maxPool2d(2),
    flatten: flatten(),
    fc1: linear(800, 500),
    relu1: relu(),
    fc2: linear(500, classes),
  }
}
