import { expect } from 'chai'
import { lenet5, lenet300100 } from '../../lib/models/index.js'
import type { Layers } from '../../lib/nn/graph.js'
import {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  batchNorm2d,
  conv2d,
  flatten,
  linear,
  maxPool2d,
} from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import { zeros } from '../../lib/tensor/factories.js'

const make = (shape: number[], layers: Layers) => new Network(shape, layers)

describe('shapes', () => {
  const shapes = (shape: number[], layers: Layers) =>
    make(shape, layers).nodes.map((node) => node.shape.join())

  it("follow PyTorch's rules for windows", () => {
    expect(
      shapes([3, 9, 7], {
        conv: conv2d(3, 4, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }),
        max: maxPool2d(2, { from: 'input' }),
        ceil: maxPool2d(2, { ceilMode: true, from: 'input' }),
        inside: maxPool2d(2, { stride: 3, padding: 1, ceilMode: true, from: 'input' }),
        average: avgPool2d([3, 2], { stride: 2, padding: [1, 0], from: 'input' }),
        adaptive: adaptiveAvgPool2d([2, 3], { from: 'input' }),
        flat: flatten(),
      }),
    ).to.deep.equal(['4,5,5', '3,4,3', '3,5,4', '3,4,3', '3,5,3', '3,2,3', '18'])
  })

  it('are those that the layers give', () => {
    using net = network([3, 9, 7], {
      conv: conv2d(3, 4, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }),
      bn: batchNorm2d(4),
      ceil: maxPool2d(2, { stride: 3, padding: 1, ceilMode: true }),
      average: avgPool2d([2, 1]),
      flat: flatten(),
    })
    using input = zeros([2, 3, 9, 7])
    using output = net.forward(input)
    expect(output.shape.slice(1)).to.deep.equal(net.nodes.at(-1)!.shape)
  })
})

describe('costs', () => {
  const table = (net: { costs: readonly { name: string; weights: number; flop: number }[] }) =>
    net.costs.map(({ name, weights, flop }) => [name, weights, flop])

  it("are the paper's for LeNet-300-100", () => {
    using net = lenet300100()
    expect(net.parameterCount).to.equal(266_610)
    expect(table(net)).to.deep.equal([
      ['fc1', 235_200, 470_400],
      ['fc2', 30_000, 60_000],
      ['fc3', 1000, 2000],
    ])
    expect(net.prunable).to.deep.equal(['fc1', 'fc2', 'fc3'])
  })

  it("are the paper's for LeNet-5", () => {
    using net = lenet5()
    expect(net.parameterCount).to.equal(431_080)
    expect(table(net)).to.deep.equal([
      ['conv1', 500, 576_000],
      ['conv2', 25_000, 3_200_000],
      ['fc1', 400_000, 800_000],
      ['fc2', 5000, 10_000],
    ])
    expect(net.costs.map((cost) => cost.kind)).to.deep.equal(['conv', 'conv', 'fc', 'fc'])
  })

  it('count groups, batch norm, and missing biases of a residual network', () => {
    using net = network([4, 6, 6], {
      conv1: conv2d(4, 8, 3, { padding: 1, groups: 2, bias: false }),
      bn1: batchNorm2d(8),
      short: conv2d(4, 8, 1, { from: 'input' }),
      sum: add('bn1', 'short'),
      flat: flatten(),
      fc: linear(8 * 36, 3, { bias: false }),
    })
    expect(table(net)).to.deep.equal([
      ['conv1', 8 * 2 * 9, 2 * 8 * 2 * 9 * 36],
      ['short', 32, 2 * 32 * 36],
      ['fc', 864, 1728],
    ])
    expect(net.parameterCount).to.equal(144 + 16 + 32 + 8 + 864)
    const elements = net.tensorNames().reduce((sum, name) => {
      using tensor = net.tensor(name)
      return /running|num_batches/.test(name) ? sum : sum + tensor.numel
    }, 0)
    expect(net.parameterCount).to.equal(elements)
  })
})
