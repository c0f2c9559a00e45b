import { dropout, flatten, linear, relu } from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import {
  type DropoutOptions,
  dropoutOptions,
  type ModelOptions,
  modelOptions,
  readModelOptions,
} from './options.js'

/** LeNet-300-100 for samples `[1, 28, 28]`: three fully connected layers, 266,610 parameters. */
export function lenet300100(options: ModelOptions = {}) {
  const read = readModelOptions('lenet-300-100', modelOptions, options)
  return network([1, 28, 28], { flatten: flatten(), ...layers(read) }, read.own)
}

/**
 * LeNet-300-100 with dropout of pixels (Srivastava et al. 2014), which makes it train to fewer errors. The dropout rate
 * defaults to 0.2.
 */
export function lenet300100Dropout(options: DropoutOptions = {}) {
  const read = readModelOptions('lenet-300-100-dropout', dropoutOptions, options)
  const { dropout: p = 0.2 } = read
  return network([1, 28, 28], { flatten: flatten(), drop1: dropout(p), ...layers(read) }, read.own)
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
