import { conv2d, flatten, linear, maxPool2d, relu } from '../nn/layers.js'
import { network } from '../nn/network.js'
import type { ModelOptions } from './options.js'

/** LeNet-5 as Caffe has it, for samples `[1, 28, 28]`: no ReLU behind the convolutions, 431,080 parameters. */
export function lenet5(options: ModelOptions = {}) {
  const { classes = 10 } = options
  return network(
    [1, 28, 28],
    {
      conv1: conv2d(1, 20, 5),
      pool1: maxPool2d(2),
      conv2: conv2d(20, 50, 5),
      pool2: maxPool2d(2),
      flatten: flatten(),
      fc1: linear(800, 500),
      relu1: relu(),
      fc2: linear(500, classes),
    },
    options,
  )
}
