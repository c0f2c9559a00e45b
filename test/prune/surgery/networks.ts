import { Dataset } from '../../../lib/data/dataset.js'
import type { AnyNetwork } from '../../../lib/nn/any_network.js'
import { prefix } from '../../../lib/nn/graph.js'
import {
  adaptiveAvgPool2d,
  add,
  batchNorm2d,
  concat,
  conv1d,
  conv2d,
  convTranspose2d,
  flatten,
  gelu,
  hardswish,
  leakyRelu,
  linear,
  maxPool2d,
  mul,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
} from '../../../lib/nn/layers/index.js'
import { network } from '../../../lib/nn/network.js'
import { tensor } from '../../../lib/tensor/from.js'
import { device } from '../../support/device.js'
import { numbers } from '../../train/toy.js'

/** Prunes whole rows and columns of a layer's weight. */
export async function cut(
  net: AnyNetwork,
  layer: string,
  rows: readonly number[],
  columns: readonly number[] = [],
): Promise<void> {
  using weight = net.tensor(`${layer}.weight`)
  const [out, into] = weight.shape as [number, number]
  const size = weight.shape.slice(2).reduce((a, b) => a * b, 1)
  const keep = Array.from({ length: out * into * size }, (_, i) => {
    const [row, column] = [Math.floor(i / (into * size)), Math.floor(i / size) % into]
    return rows.includes(row) || columns.includes(column) ? 0 : 1
  })
  using mask = tensor(keep, { shape: [...weight.shape], dtype: 'uint8', device })
  await net.setMask(layer, mask)
}

export function samples(shape: readonly number[], count = 20): Dataset {
  const size = shape.reduce((a, b) => a * b, 1)
  using images = tensor(numbers(count * size), { shape: [count, ...shape] })
  using labels = tensor(
    Array.from({ length: count }, () => 0),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels)
}

export function chain() {
  return network(
    [6],
    { fc1: linear(6, 8), relu1: relu(), fc2: linear(8, 7), relu2: relu(), fc3: linear(7, 3) },
    { seed: 1, device },
  )
}

export function convolutional() {
  return network(
    [2, 8, 8],
    {
      conv1: conv2d(2, 6, 3),
      bn1: batchNorm2d(6),
      relu1: relu(),
      pool1: maxPool2d(2),
      conv2: conv2d(6, 5, 2, { bias: false }),
      relu2: relu(),
      flatten: flatten(),
      fc: linear(20, 4),
    },
    { seed: 2, device },
  )
}

export function residual() {
  return network(
    [3, 8, 8],
    {
      conv1: conv2d(3, 6, 3, { padding: 1 }),
      relu1: relu(),
      ...prefix('block', {
        conv1: conv2d(6, 5, 3, { padding: 1 }),
        bn1: batchNorm2d(5),
        relu1: relu(),
        conv2: conv2d(5, 6, 3, { padding: 1 }),
      }),
      sum: add('block.conv2', 'relu1'),
      relu2: relu(),
      pool: adaptiveAvgPool2d(1),
      flatten: flatten(),
      fc: linear(6, 4),
    },
    { seed: 3, device },
  )
}

/** An inverted block: the biases make constants that are not 0. */
export function separable({ padding = 0 } = {}) {
  return network(
    [3, 8, 8],
    {
      expand: conv2d(3, 8, 1),
      relu1: relu6(),
      depth: conv2d(8, 8, 3, { padding, groups: 8 }),
      bn2: batchNorm2d(8),
      relu2: hardswish(),
      project: conv2d(8, 4, 1),
      pool: adaptiveAvgPool2d(1),
      flatten: flatten(),
      fc: linear(4, 3),
    },
    { seed: 5, device },
  )
}

export function dense() {
  return network(
    [2, 8, 8],
    {
      conv1: conv2d(2, 4, 3),
      conv2: conv2d(2, 5, 3, { from: 'input' }),
      both: concat('conv1', 'conv2'),
      bn: batchNorm2d(9),
      relu: relu(),
      pool: maxPool2d(2),
      flatten: flatten(),
      fc: linear(81, 3),
    },
    { seed: 6, device },
  )
}

export function gated() {
  return network(
    [2, 6, 6],
    {
      conv1: conv2d(2, 5, 3),
      pool: adaptiveAvgPool2d(1),
      squeeze: conv2d(5, 2, 1),
      relu: relu(),
      gate: conv2d(2, 5, 1),
      open: sigmoid(),
      product: mul('conv1', 'open'),
      conv2: conv2d(5, 3, 3),
      flatten: flatten(),
      fc: linear(12, 2),
    },
    { seed: 7, device },
  )
}

export function grouped() {
  return network(
    [2, 8, 8],
    {
      conv1: conv2d(2, 8, 3),
      relu1: relu(),
      conv2: conv2d(8, 6, 3, { groups: 2 }),
      relu2: relu(),
      up: convTranspose2d(6, 4, 2, { groups: 2 }),
      flatten: flatten(),
      fc: linear(100, 3),
    },
    { seed: 12, device },
  )
}

export function enlarging() {
  return network(
    [2, 5, 5],
    {
      conv1: conv2d(2, 4, 3),
      relu1: relu(),
      up: convTranspose2d(4, 3, 2, { stride: 2 }),
      conv2: conv2d(3, 3, 3, { padding: 1 }),
      flatten: flatten(),
      fc: linear(108, 2),
    },
    { seed: 9, device },
  )
}

export function sequence() {
  return network(
    [2, 12],
    {
      conv1: conv1d(2, 4, 3, { stride: 2 }),
      silu: silu(),
      conv2: conv1d(4, 3, 2),
      flatten: flatten(),
      fc: linear(12, 2),
    },
    { seed: 10, device },
  )
}

/** Two shapes of one number of features that are added: their channels do not fit each other. */
export function crossed() {
  return network(
    [2, 4, 4],
    {
      conv: conv2d(2, 2, 3),
      flat: flatten(),
      all: flatten({ from: 'input' }),
      other: linear(32, 8),
      sum: add('flat', 'other'),
      fc: linear(8, 3),
    },
    { seed: 11, device },
  )
}

export const activations = {
  relu: relu(),
  relu6: relu6(),
  gelu: gelu(),
  geluTanh: gelu({ approximate: 'tanh' }),
  silu: silu(),
  sigmoid: sigmoid(),
  tanh: tanh(),
  leakyRelu: leakyRelu({ negativeSlope: 0.3 }),
  hardswish: hardswish(),
}

/** The columns of channels that have so many pixels. */
export function columns(pixels: number, channels: readonly number[]): number[] {
  return channels.flatMap((channel) => Array.from({ length: pixels }, (_, i) => channel * pixels + i))
}
