import { expect } from 'chai'
import { bufferShapes, parameterShapes } from '../../lib/nn/cost.js'
import type { Layers } from '../../lib/nn/graph.js'
import { kinds } from '../../lib/nn/layers/all.js'
import {
  concat,
  conv1d,
  conv2d,
  convTranspose2d,
  flatten,
  gelu,
  groupNorm,
  layerNorm,
  leakyRelu,
  linear,
  mul,
  upsample,
} from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { zeros } from '../../lib/tensor/factories.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { refusal } from '../support/refusal.js'
import { type GoldenLayer, layersFrom } from './from_golden.js'

const golden = await readGolden<{
  networks: Record<string, { inputShape: number[]; layers: GoldenLayer[] }>
}>('networks')
const networks = Object.entries(golden.fixture.networks)

describe('every kind of layer', () => {
  it('is held against PyTorch', () => {
    const held = networks.flatMap(([, { layers }]) => layers.map(({ kind }) => kind))
    // Of windows like those of maxPool2d; with models and in tests of shapes.
    expect([...new Set([...held, 'avgPool2d'])]).to.have.members(Object.keys(kinds))
  })

  for (const [title, { inputShape, layers }] of networks) {
    it(`says the shapes of its parameters, its buffers and its output: ${title}`, () => {
      const described = Object.entries(layersFrom(layers))
      for (let count = 1; count <= described.length; count++) {
        using net = new Network(inputShape, Object.fromEntries(described.slice(0, count)), { device })
        const { name, layer, shape } = net.nodes.at(-1)!
        using input = zeros([2, ...inputShape], { device })
        using output = noGrad(() => net.forward(input))
        expect(output.shape, name).to.deep.equal([2, ...shape])
        const own = net.tensorShapes().filter(([tensor]) => tensor.startsWith(`${name}.`))
        const said = [...parameterShapes(layer), ...bufferShapes(layer)]
        expect(own.map(([tensor, { shape }]) => [tensor, shape])).to.deep.equal(
          said.map(([part, shape]) => [`${name}.${part}`, shape]),
        )
      }
    })
  }
})

describe('a layer is refused in one line, where', () => {
  const make = (shape: number[], layers: Layers) => new Network(shape, layers)
  const cases: [what: string, says: RegExp, attempt: () => unknown][] = [
    [
      'a sequence is no sequence',
      /expects \[channels, length\], got \[3, 8, 8\]/,
      () => make([3, 8, 8], { a: conv1d(3, 4, 3) }),
    ],
    [
      'a kernel is longer than its sequence',
      /at least as long as its kernel/,
      () => make([3, 8], { a: conv1d(3, 4, 9) }),
    ],
    [
      'an output is padded by more than a step',
      /^convTranspose2d: outputPadding must be less than stride/,
      () => convTranspose2d(3, 4, 3, { outputPadding: 1 }),
    ],
    [
      'padding leaves nothing of an output',
      /of which its padding leaves something/,
      () => make([3, 1, 1], { a: convTranspose2d(3, 4, 1, { padding: 2 }) }),
    ],
    [
      'images to concatenate differ in size',
      /differ in channels alone, but another has \[2, 6, 6\]/,
      () => make([2, 8, 8], { a: conv2d(2, 2, 3), b: concat('input', 'a') }),
    ],
    [
      'factors differ in channels',
      /one value a channel, but another has \[3, 8, 8\]/,
      () => make([2, 8, 8], { a: conv2d(2, 3, 1), b: mul('input', 'a') }),
    ],
    [
      'one factor is none',
      /two inputs or more/,
      () => make([2], { a: gelu(), b: { kind: 'mul', from: ['a'] } }),
    ],
    [
      'groups do not divide channels',
      /^groupNorm: 3 groups do not divide 4 channels evenly$/,
      () => groupNorm(3, 4),
    ],
    [
      'a normalization has other channels',
      /expects 4 channels, got \[3, 8, 8\]/,
      () => make([3, 8, 8], { a: groupNorm(2, 4) }),
    ],
    [
      'a normalization has other sizes',
      /expects last sizes of \[8, 7\], got \[3, 8, 8\]/,
      () => make([3, 8, 8], { a: layerNorm([8, 7]) }),
    ],
    [
      'a size has two sayings',
      /^upsample takes either a size or a scaleFactor$/,
      () => upsample({ size: 8, scaleFactor: 2 }),
    ],
    ['a size is not said', /^upsample takes either a size or a scaleFactor$/, () => upsample({})],
    [
      'corners are no corners',
      /alignCorners is for mode 'bilinear'$/,
      () => upsample({ size: 8, alignCorners: true }),
    ],
    [
      'a word is none of two',
      /^gelu: approximate must be 'none' or 'tanh', got 'erf'$/,
      () => gelu({ approximate: 'erf' as never }),
    ],
    ['a slope is none', /^leakyRelu: negativeSlope must be/, () => leakyRelu({ negativeSlope: Number.NaN })],
  ]
  for (const [what, says, attempt] of cases) {
    it(what, () => {
      const error = refusal(attempt)
      expect(error.message).to.match(says)
      expect(error.code).to.match(/^ERR_(ARGUMENT|SHAPE)$/)
    })
  }
})

describe('costs of layers', () => {
  it('count what convolutions of all kinds do', () => {
    using net = network([4, 6, 6], {
      depth: conv2d(4, 4, 3, { padding: 1, groups: 4 }),
      up: convTranspose2d(4, 6, 2, { stride: 2, groups: 2 }),
      norm: groupNorm(2, 6),
      flat: flatten(),
      fc: linear(6 * 144, 2),
      last: layerNorm(2),
    })
    expect(
      net.costs.map(({ name, kind, weights, biases, flop }) => [name, kind, weights, biases, flop]),
    ).to.deep.equal([
      ['depth', 'conv', 36, 4, 2 * 36 * 36],
      // A multiply-add for each place of its input.
      ['up', 'conv', 48, 6, 2 * 48 * 36],
      ['fc', 'fc', 1728, 2, 2 * 1728],
    ])
    expect(net.parameterCount).to.equal(40 + 54 + 12 + 1730 + 4)
    using line = network([3, 10], { conv: conv1d(3, 4, 3), flat: flatten(), fc: linear(32, 2) })
    expect(line.costs[0]).to.deep.equal({
      name: 'conv',
      kind: 'conv',
      weights: 36,
      biases: 4,
      flop: 2 * 36 * 8,
    })
    expect(line.prunable).to.deep.equal(['conv', 'fc'])
  })
})
