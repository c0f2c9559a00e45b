import { prefix } from '../nn/graph.js'
import {
  adaptiveAvgPool2d,
  add,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  relu,
} from '../nn/layers/index.js'
import { network } from '../nn/network.js'
import { type DropoutOptions, dropoutOptions, readModelOptions } from './options.js'
import { named } from './residual.js'

// Wide residual networks (Zagoruyko and Komodakis 2016) for CIFAR-10: batch normalization and ReLU come before each
// convolution, and a projection reads the output of the first ReLU. WRN-d-k has (d - 4) / 6 blocks per stage and k
// times the channels. Dropout is between a block's convolutions; its rate defaults to 0.

/** WRN-16-2 for CIFAR-10. Samples are `[3, 32, 32]`; it has 691,674 parameters. */
export function wrn16x2(options: DropoutOptions = {}) {
  const read = readModelOptions('wrn-16-2', dropoutOptions, options)
  const { dropout: p = 0 } = read
  return network(
    [3, 32, 32],
    {
      conv1: conv2d(3, 16, 3, { padding: 1, bias: false }),
      ...projected('block1.layer.0', 32, { into: 16, stride: 1, p }),
      ...plain('block1.layer.1', 'block1.layer.0.add', 32, p),
      ...projected('block2.layer.0', 64, { into: 32, stride: 2, p }),
      ...plain('block2.layer.1', 'block2.layer.0.add', 64, p),
      ...projected('block3.layer.0', 128, { into: 64, stride: 2, p }),
      ...plain('block3.layer.1', 'block3.layer.0.add', 128, p),
      ...head(128, read),
    },
    read.own,
  )
}

/** WRN-40-2 for CIFAR-10. Samples are `[3, 32, 32]`; it has 2,243,546 parameters. */
export function wrn40x2(options: DropoutOptions = {}) {
  const read = readModelOptions('wrn-40-2', dropoutOptions, options)
  const { dropout: p = 0 } = read
  return network(
    [3, 32, 32],
    {
      conv1: conv2d(3, 16, 3, { padding: 1, bias: false }),
      ...projected('block1.layer.0', 32, { into: 16, stride: 1, p }),
      ...fiveMore('block1', 32, p),
      ...projected('block2.layer.0', 64, { into: 32, stride: 2, p }),
      ...fiveMore('block2', 64, p),
      ...projected('block3.layer.0', 128, { into: 64, stride: 2, p }),
      ...fiveMore('block3', 128, p),
      ...head(128, read),
    },
    read.own,
  )
}

/** WRN-40-1 for CIFAR-10. Samples are `[3, 32, 32]`; it has 563,930 parameters. */
export function wrn40x1(options: DropoutOptions = {}) {
  const read = readModelOptions('wrn-40-1', dropoutOptions, options)
  const { dropout: p = 0 } = read
  return network(
    [3, 32, 32],
    {
      conv1: conv2d(3, 16, 3, { padding: 1, bias: false }),
      ...plain('block1.layer.0', 'conv1', 16, p),
      ...fiveMore('block1', 16, p),
      ...projected('block2.layer.0', 32, { into: 16, stride: 2, p }),
      ...fiveMore('block2', 32, p),
      ...projected('block3.layer.0', 64, { into: 32, stride: 2, p }),
      ...fiveMore('block3', 64, p),
      ...head(64, read),
    },
    read.own,
  )
}

interface Projected {
  readonly into: number
  readonly stride: number
  readonly p: number
}

function fiveMore<const S extends string>(stage: S, channels: number, p: number) {
  return {
    ...plain(`${stage}.layer.1`, `${stage}.layer.0.add`, channels, p),
    ...plain(`${stage}.layer.2`, `${stage}.layer.1.add`, channels, p),
    ...plain(`${stage}.layer.3`, `${stage}.layer.2.add`, channels, p),
    ...plain(`${stage}.layer.4`, `${stage}.layer.3.add`, channels, p),
    ...plain(`${stage}.layer.5`, `${stage}.layer.4.add`, channels, p),
  }
}

/** A block whose shortcut is its unchanged input. */
function plain<const P extends string, const F extends string>(
  name: P,
  from: F,
  channels: number,
  p: number,
) {
  return {
    ...branch(name, channels, channels, 1, p),
    ...named(`${name}.add`, add<`${P}.conv2` | F>(`${name}.conv2`, from)),
  }
}

/** A block whose shortcut is a 1×1 convolution of its normalized input. */
function projected<const P extends string>(name: P, channels: number, { into, stride, p }: Projected) {
  return {
    ...branch(name, into, channels, stride, p),
    ...named(
      `${name}.convShortcut`,
      conv2d(into, channels, 1, { stride, bias: false, from: `${name}.relu1` }),
    ),
    ...named(`${name}.add`, add(`${name}.conv2`, `${name}.convShortcut`)),
  }
}

function branch<const P extends string>(name: P, into: number, channels: number, stride: number, p: number) {
  return prefix(name, {
    bn1: batchNorm2d(into),
    relu1: relu(),
    conv1: conv2d(into, channels, 3, { stride, padding: 1, bias: false }),
    bn2: batchNorm2d(channels),
    relu2: relu(),
    dropout: dropout(p),
    conv2: conv2d(channels, channels, 3, { padding: 1, bias: false }),
  })
}

function head(channels: number, { classes = 10 }: DropoutOptions) {
  return {
    bn1: batchNorm2d(channels),
    relu: relu(),
    avgpool: adaptiveAvgPool2d(1),
    flatten: flatten(),
    fc: linear(channels, classes),
  }
}
