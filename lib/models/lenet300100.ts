import { dropout, flatten, linear, relu } from '../nn/layers.js'
import { network } from '../nn/network.js'
import type { DropoutOptions, ModelOptions } from './options.js'

/** LeNet-300-100 for samples `[1, 28, 28]`: three fully connected layers, 266,610 parameters. */
export function lenet300100(options: ModelOptions = {}) {
  return network([1, 28, 28], { flatten: flatten(), ...layers(options) }, options)
}

/** The same with dropout of pixels (Srivastava et al. 2014), which trains to fewer errors; 0.2 unless given. */
export function lenet300100Dropout(options: DropoutOptions = {}) {
  const { dropout: p = 0.2 } = options
  return network([1, 28, 28], { flatten: flatten(), drop1: dropout(p), ...layers(options) }, options)
}

function layers({ classes = 10 }: ModelOptions) {
  return {
    fc1: linear(784, 300),
    relu1: relu(),
    fc2: linear(300, 100),
    relu2: relu(),
    fc3: linear(100, classes),
  }
}
