import { flatten, linear, relu } from '../nn/layers.js'
import { network } from '../nn/network.js'
import type { ModelOptions } from './options.js'

/** LeNet-300-100 for samples `[1, 28, 28]`: three fully connected layers, 266,610 parameters. */
export function lenet300100(options: ModelOptions = {}) {
  const { classes = 10 } = options
  return network(
    [1, 28, 28],
    {
      flatten: flatten(),
      fc1: linear(784, 300),
      relu1: relu(),
      fc2: linear(300, 100),
      relu2: relu(),
      fc3: linear(100, classes),
    },
    options,
  )
}
