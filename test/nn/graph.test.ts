import { expect } from 'chai'
import type { Layers } from '../../lib/nn/graph.js'
import { prefix } from '../../lib/nn/graph.js'
import {
  add,
  batchNorm2d,
  conv2d,
  dropout,
  type Layer,
  linear,
  maxPool2d,
  relu,
} from '../../lib/nn/layers/index.js'
import { Network, network } from '../../lib/nn/network.js'
import { ones, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { refusal } from '../support/refusal.js'

const make = (shape: number[], layers: Layers) => new Network(shape, layers)

describe('a layer graph that does not fit is refused in one line that names the layer:', () => {
  const image = [3, 8, 8]
  const cases: [what: string, code: string, says: RegExp, attempt: () => unknown][] = [
    [
      'a source that is not there',
      'ERR_ARGUMENT',
      /^layer 'b' reads from 'nowhere', which is not an earlier layer: check the name$/,
      () => make([4], { a: linear(4, 4), b: relu({ from: 'nowhere' }) }),
    ],
    [
      'a source that comes later',
      'ERR_ARGUMENT',
      /^layer 'a' reads from 'b', which is not an earlier layer: move it before its reader$/,
      () => make([4], { a: linear(4, 4, { from: 'b' }), b: linear(4, 4) }),
    ],
    ['itself as source', 'ERR_ARGUMENT', /'a' reads from 'a'/, () => make([4], { a: relu({ from: 'a' }) })],
    [
      'features that do not fit',
      'ERR_SHAPE',
      /^layer 'fc2' \(linear\) expects \[6\], got \[5\]$/,
      () => make([4], { fc1: linear(4, 5), fc2: linear(6, 2) }),
    ],
    [
      'a linear layer behind an image',
      'ERR_SHAPE',
      /^layer 'fc' .*expects \[192\] \(put a flatten\(\) before it\), got \[3, 8, 8\]$/,
      () => make(image, { fc: linear(192, 2) }),
    ],
    [
      'channels that do not fit',
      'ERR_SHAPE',
      /^layer 'conv' \(conv2d\) expects 1 channels, got \[3, 8, 8\]$/,
      () => make(image, { conv: conv2d(1, 2, 3) }),
    ],
    [
      'a convolution over a vector',
      'ERR_SHAPE',
      /^layer 'conv' \(conv2d\) expects \[channels, height, width\], got \[4\]$/,
      () => make([4], { conv: conv2d(4, 2, 1) }),
    ],
    [
      'a kernel larger than its input',
      'ERR_SHAPE',
      /^layer 'conv' .*at least as large as its kernel, got \[3, 8, 8\]$/,
      () => make(image, { conv: conv2d(3, 2, 9) }),
    ],
    [
      'a dilated kernel larger than its input',
      'ERR_SHAPE',
      /at least as large as its kernel/,
      () => make(image, { conv: conv2d(3, 2, 5, { dilation: 2 }) }),
    ],
    [
      'a window larger than its input',
      'ERR_SHAPE',
      /^layer 'pool' \(maxPool2d\).*as large as its window/,
      () => make(image, { pool: maxPool2d(9) }),
    ],
    [
      'batch norm of other features',
      'ERR_SHAPE',
      /^layer 'bn' \(batchNorm2d\) expects 4 channels/,
      () => make(image, { bn: batchNorm2d(4) }),
    ],
    [
      'a sum of one input',
      'ERR_SHAPE',
      /^layer 'sum' \(add\) expects two inputs or more/,
      () => make([4], { a: relu(), sum: { kind: 'add', from: ['a'] } }),
    ],
    [
      'a sum of two shapes',
      'ERR_SHAPE',
      /^layer 'sum' \(add\) expects inputs of one shape, but another has \[5\], got \[4\]$/,
      () => make([4], { a: relu(), b: linear(4, 5), sum: add('a', 'b') }),
    ],
    [
      'two sources for a layer that takes one',
      'ERR_ARGUMENT',
      /^layer 'fc' \(linear\) reads one layer, not 2: put an add\(\) before it$/,
      () => make([4], { a: relu(), fc: linear(4, 2, { from: ['a', 'input'] as never }) }),
    ],
    [
      'no source at all',
      'ERR_ARGUMENT',
      /^layer 'fc' .*reads one layer, not 0/,
      () => make([4], { fc: linear(4, 2, { from: [] as never }) }),
    ],
    [
      'a whole number for a name',
      'ERR_ARGUMENT',
      /^layer '0': a name may not be a whole number, use 'layer.0'$/,
      () => make([4], { 0: relu() }),
    ],
    ['an empty name', 'ERR_ARGUMENT', /^layer '': this name is not allowed/, () => make([4], { '': relu() })],
    ['input for a name', 'ERR_ARGUMENT', /^layer 'input'/, () => make([4], { input: relu() })],
    [
      'a control character in a name',
      'ERR_ARGUMENT',
      /^layer "fc\\u001b\[2J": a name may not hold control characters, leave them out$/,
      () => make([4], { 'fc\x1b[2J': relu() }),
    ],
    ['a space in a name', 'ERR_ARGUMENT', /^layer 'fc 1'/, () => make([4], { 'fc 1': relu() })],
    ['no layer', 'ERR_ARGUMENT', /^a network needs at least one layer$/, () => make([4], {})],
    [
      'an unknown kind',
      'ERR_ARGUMENT',
      /^layer 'a' is of kind 'softmax', which does not exist: it must be what linear\(/,
      () => make([4], { a: { kind: 'softmax' } as unknown as Layer }),
    ],
    [
      'half a feature',
      'ERR_ARGUMENT',
      /: inFeatures must be a whole number of 1 or more, got 1.5$/,
      () => linear(1.5, 2),
    ],
    ['no output', 'ERR_ARGUMENT', /: outFeatures must be .* got 0$/, () => linear(2, 0)],
    ['a stride of 0', 'ERR_ARGUMENT', /: stride must be .* got 0$/, () => conv2d(1, 1, 3, { stride: 0 })],
    [
      'a negative padding',
      'ERR_ARGUMENT',
      /: padding must be .* got -1$/,
      () => conv2d(1, 1, 3, { padding: -1 }),
    ],
    [
      'groups that do not divide',
      'ERR_ARGUMENT',
      /^conv2d: 2 groups divide/,
      () => conv2d(3, 4, 3, { groups: 2 }),
    ],
    ['no groups', 'ERR_ARGUMENT', /: groups must be .* got 0$/, () => conv2d(3, 4, 3, { groups: 0 })],
    [
      'a misspelt option',
      'ERR_ARGUMENT',
      /^conv2d: unknown option 'paddding': did you mean padding\?$/,
      () => conv2d(3, 8, 3, { paddding: 1 } as object),
    ],
    [
      'a stride in the place of options',
      'ERR_ARGUMENT',
      /^maxPool2d: options must be an object \(stride, padding, ceilMode, from\), got 2$/,
      () => maxPool2d(3, 2 as never),
    ],
    [
      'a word for a bias',
      'ERR_ARGUMENT',
      /^linear: bias must be true or false, got 'no'$/,
      () => linear(3, 2, { bias: 'no' as never }),
    ],
    [
      'a negative eps',
      'ERR_ARGUMENT',
      /^batchNorm2d: eps must be 0 or more, got -1$/,
      () => batchNorm2d(8, { eps: -1 }),
    ],
    ['no shape', 'ERR_ARGUMENT', /^network: inputShape must be the shape/, () => network(4 as never, {})],
    ['an array of layers', 'ERR_ARGUMENT', /^network: layers must be/, () => network([4], [relu()] as never)],
    ['a dropout over 1', 'ERR_ARGUMENT', /^dropout: p must be in 0..1, got 1.1$/, () => dropout(1.1)],
    ['a negative seed', 'ERR_ARGUMENT', /: seed must be/, () => network([4], { a: relu() }, { seed: -1 })],
    [
      'an unknown device',
      'ERR_DEVICE',
      /'tpu'/,
      () => network([4], { a: linear(4, 1) }, { device: 'tpu' as never }),
    ],
  ]
  for (const [what, code, says, attempt] of cases) {
    it(what, () => {
      const error = refusal(attempt)
      expect(error.message).to.match(says)
      expect(error.code).to.equal(code)
    })
  }

  it('a hand-written layer of 0 groups', () => {
    const zero = { ...conv2d(3, 4, 3), groups: 0 } as Layer
    expect(refusal(() => make([3, 8, 8], { conv: zero })).message).to.match(/^layer 'conv'.groups must be/)
  })
})

describe('prefix', () => {
  it('names a group of layers and what they read in it', () => {
    const layers = prefix('layer1.0', { conv1: linear(4, 4), sum: add('conv1', 'input') })
    expect(layers).to.deep.equal({
      'layer1.0.conv1': linear(4, 4),
      'layer1.0.sum': add('layer1.0.conv1', 'input'),
    })
  })
})

describe('a network', () => {
  it('passes a dropped place to every reader and leaves its input alone', () => {
    using net = network([4], { a: relu(), b: relu({ from: 'input' }), sum: add('a', 'b', 'a') })
    using input = tensor([[-1, 2, -3, 4]])
    using output = net.forward(input)
    expect(output.toArray()).to.deep.equal([[0, 6, 0, 12]])
    expect(input.toArray()).to.deep.equal([[-1, 2, -3, 4]])
  })

  it('drops in training mode alone, and again alike after reseed', () => {
    using net = network([1000], { drop: dropout(0.25) })
    using input = ones([1, 1000])
    const draw = () => {
      using output = net.forward(input, { training: true })
      return (output.toArray() as number[][])[0]!
    }
    const first = draw()
    expect(new Set(first)).to.deep.equal(new Set([0, Math.fround(1 / 0.75)]))
    expect(first.filter((value) => value === 0).length).to.be.within(180, 320)
    expect(draw()).to.not.deep.equal(first)
    net.reseed(0)
    expect(draw()).to.deep.equal(first)
    using still = net.forward(input)
    expect(new Set((still.toArray() as number[][])[0])).to.deep.equal(new Set([1]))
  })

  it('names itself when it was disposed of', () => {
    const net = network([4], { fc: linear(4, 2) })
    net.dispose()
    net.dispose()
    expect(refusal(() => net.tensor('fc.weight')).code).to.equal('ERR_DISPOSED')
    expect(refusal(() => net.tensorNames()).message).to.match(/network was disposed of/)
  })

  it('refuses an input of another shape', () => {
    using net = network([4], { fc: linear(4, 2) })
    using input = zeros([2, 5])
    expect(refusal(() => net.forward(input)).code).to.equal('ERR_SHAPE')
  })

  it('refuses names that it does not have', () => {
    using net = make([4], { fc: linear(4, 2), drop: dropout(0.5) })
    expect(refusal(() => net.tensor('fc9.weight')).message).to.match(
      /no parameter or buffer called 'fc9.weight'/,
    )
    expect(refusal(() => net.freeze('fc9')).message).to.match(/no layer called 'fc9'/)
    expect(refusal(() => net.setDropout('fc', 0.1)).message).to.match(/'fc' is not a dropout layer/)
    expect(refusal(() => net.setDropout('drop', Number.NaN)).message).to.match(/0..1, got NaN/)
    expect(refusal(() => net.mask('fc9')).message).to.match(/fc9/)
  })
})
