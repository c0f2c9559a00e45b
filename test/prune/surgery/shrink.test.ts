import { expect } from 'chai'
import fc from 'fast-check'
import { Dataset } from '../../../lib/data/dataset.js'
import { mobilenetV2 } from '../../../lib/models/index.js'
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
  groupNorm,
  hardswish,
  layerNorm,
  leakyRelu,
  linear,
  localResponseNorm,
  maxPool2d,
  mul,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
  upsample,
} from '../../../lib/nn/layers/index.js'
import { type Network, network } from '../../../lib/nn/network.js'
import { removeDeadNeurons } from '../../../lib/prune/surgery/shrink.js'
import { full, ones } from '../../../lib/tensor/factories.js'
import { tensor } from '../../../lib/tensor/from.js'
import { device } from '../../support/device.js'
import { numbers } from '../../train/toy.js'

/** Prunes whole rows and columns of a layer's weight. */
async function cut(
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

function samples(shape: readonly number[], count = 20): Dataset {
  const size = shape.reduce((a, b) => a * b, 1)
  using images = tensor(numbers(count * size), { shape: [count, ...shape] })
  using labels = tensor(
    Array.from({ length: count }, () => 0),
    { dtype: 'int64' },
  )
  return Dataset.from(images, labels)
}

function chain() {
  return network(
    [6],
    { fc1: linear(6, 8), relu1: relu(), fc2: linear(8, 7), relu2: relu(), fc3: linear(7, 3) },
    { seed: 1, device },
  )
}

function convolutional() {
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

function residual() {
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
function separable({ padding = 0 } = {}) {
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

function dense() {
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

function gated() {
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

function grouped() {
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

function enlarging() {
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

function sequence() {
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
function crossed() {
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

const activations = {
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
function columns(pixels: number, channels: readonly number[]): number[] {
  return channels.flatMap((channel) => Array.from({ length: pixels }, (_, i) => channel * pixels + i))
}

describe('removing dead neurons', () => {
  it('removes a neuron that nothing reads, and one that reads nothing', async () => {
    using net = chain()
    await cut(net, 'fc1', [2])
    await cut(net, 'fc2', [], [5])
    const { removed, certificate, parametersBefore, parametersAfter } = await removeDeadNeurons(net, {
      certify: samples([6]),
    })
    expect(removed).to.deep.equal([{ layer: 'fc1', neurons: 2, of: 8 }])
    expect(parametersBefore - parametersAfter).to.equal(2 * (6 + 1) + 2 * 7)
    expect(net.layers.fc1).to.include({ outFeatures: 6 })
    expect(net.layers.fc2).to.include({ inFeatures: 6 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('follows a chain: what feeds a dead neuron alone dies with it', async () => {
    using net = chain()
    // fc2's neuron 4 is read by nobody, and fc1's neuron 1 feeds it alone.
    await cut(net, 'fc3', [], [4])
    using weight = net.tensor('fc2.weight')
    const keep = Array.from({ length: 56 }, (_, i) => (i % 8 === 1 && Math.floor(i / 8) !== 4 ? 0 : 1))
    using mask = tensor(keep, { shape: [...weight.shape], dtype: 'uint8', device })
    await net.setMask('fc2', mask)
    const { removed } = await removeDeadNeurons(net)
    expect(removed).to.deep.equal([
      { layer: 'fc1', neurons: 1, of: 8 },
      { layer: 'fc2', neurons: 1, of: 7 },
    ])
  })

  it('moves what a constant neuron says into the next bias, through batch norm, pooling and flatten', async () => {
    using net = convolutional()
    // A shift that survives the ReLU, so that there is something to move.
    using shift = ones([6], { device })
    await net.put([['bn1.bias', shift]])
    await cut(net, 'conv1', [0, 3])
    await cut(net, 'conv2', [1])
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([2, 8, 8]) })
    expect(removed).to.deep.equal([
      { layer: 'conv1', neurons: 2, of: 6 },
      { layer: 'conv2', neurons: 1, of: 5 },
    ])
    // conv2 had no bias of its own to take it.
    expect(net.layers.conv2).to.include({ bias: true, inChannels: 4, outChannels: 4 })
    expect(net.layers.fc).to.include({ inFeatures: 16 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('leaves the memory format as it is', async () => {
    using net = convolutional()
    await net.setMemoryFormat('channelsLast')
    await cut(net, 'conv1', [0, 3])
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([2, 8, 8]) })
    expect(removed).to.deep.equal([{ layer: 'conv1', neurons: 2, of: 6 }])
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
    expect(net.memoryFormat).to.equal('channelsLast')
  })

  it('keeps a channel that a residual sum needs, and says so', async () => {
    using net = residual()
    await cut(net, 'block.conv2', [1])
    const { removed, kept } = await removeDeadNeurons(net)
    expect(removed).to.deep.equal([])
    expect(kept).to.deep.include({ layers: ['block.conv2', 'conv1'], neurons: 1, reason: 'coupled' })
  })

  it('removes a channel of a residual sum from all its terms when nothing reads it', async () => {
    using net = residual()
    await cut(net, 'block.conv1', [], [4])
    await cut(net, 'fc', [], [4])
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([3, 8, 8]) })
    expect(removed).to.deep.equal([
      { layer: 'conv1', neurons: 1, of: 6 },
      { layer: 'block.conv2', neurons: 1, of: 6 },
    ])
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('keeps a constant that is not 0 in front of a padded layer', async () => {
    using net = network(
      [1, 6, 6],
      {
        conv1: conv2d(1, 4, 3),
        conv2: conv2d(4, 3, 3, { padding: 1 }),
        flatten: flatten(),
        fc: linear(48, 2),
      },
      { seed: 4, device },
    )
    await cut(net, 'conv1', [2])
    const { removed, kept } = await removeDeadNeurons(net)
    expect(removed).to.deep.equal([])
    expect(kept).to.deep.equal([{ layers: ['conv1'], neurons: 1, reason: 'padding' }])
  })

  it('keeps the channels in front of a local response normalisation, which counts them', async () => {
    using net = network(
      [1, 4, 4],
      {
        conv1: conv2d(1, 4, 3),
        norm1: localResponseNorm(3),
        conv2: conv2d(4, 3, 2),
        flatten: flatten(),
        fc: linear(3, 2),
      },
      { seed: 4, device },
    )
    await cut(net, 'conv1', [2])
    await cut(net, 'conv2', [0])
    const { removed, kept, certificate } = await removeDeadNeurons(net, { certify: samples([1, 4, 4]) })
    expect(removed).to.deep.equal([{ layer: 'conv2', neurons: 1, of: 3 }])
    expect(kept).to.deep.equal([{ layers: ['conv1'], neurons: 1, reason: 'neighbours' }])
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('removes a channel of a depthwise convolution with those that it reads and feeds', async () => {
    using net = separable()
    // A filter without connections, a channel that only it would read, and one that nothing reads after it.
    await cut(net, 'depth', [1])
    await cut(net, 'project', [], [4])
    await cut(net, 'expand', [6])
    const { removed, kept, certificate } = await removeDeadNeurons(net, { certify: samples([3, 8, 8]) })
    expect(removed).to.deep.equal([
      { layer: 'expand', neurons: 3, of: 8 },
      { layer: 'depth', neurons: 3, of: 8 },
    ])
    expect(kept).to.deep.equal([])
    expect(net.layers.depth).to.include({ inChannels: 5, outChannels: 5, groups: 5 })
    expect(net.layers.bn2).to.include({ features: 5 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('keeps a constant that the padding of a depthwise convolution breaks at the border', async () => {
    using net = separable({ padding: 1 })
    using bias = ones([8], { device })
    await net.put([['expand.bias', bias]])
    await cut(net, 'expand', [2])
    const { removed, kept } = await removeDeadNeurons(net)
    expect(removed).to.deep.equal([])
    expect(kept).to.deep.equal([{ layers: ['expand'], neurons: 1, reason: 'coupled' }])
  })

  it('removes channels of each of the layers that are concatenated, and of what normalizes them', async () => {
    using net = dense()
    await cut(net, 'conv1', [1])
    await cut(net, 'conv2', [0, 3])
    await cut(net, 'fc', [], columns(9, [5]))
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([2, 8, 8]) })
    expect(removed).to.deep.equal([
      { layer: 'conv1', neurons: 1, of: 4 },
      { layer: 'conv2', neurons: 3, of: 5 },
    ])
    expect(net.layers.bn).to.include({ features: 5 })
    expect(net.layers.fc).to.include({ inFeatures: 45 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('removes a channel with the gate that is multiplied by it', async () => {
    using net = gated()
    await cut(net, 'conv2', [], [3])
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([2, 6, 6]) })
    // The gate's first layer reads the channel.
    expect(removed).to.deep.equal([])
    await cut(net, 'squeeze', [], [3])
    const again = await removeDeadNeurons(net, { certify: samples([2, 6, 6]) })
    expect(again.removed).to.deep.equal([
      { layer: 'conv1', neurons: 1, of: 5 },
      { layer: 'gate', neurons: 1, of: 5 },
    ])
    expect(certificate!.largestChange).to.equal(0)
    expect(again.certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('removes channels around transposed convolutions and along sequences', async () => {
    using up = enlarging()
    // Rows of its weight are inputs.
    await cut(up, 'up', [1], [2])
    await cut(up, 'conv2', [], [0])
    const image = await removeDeadNeurons(up, { certify: samples([2, 5, 5]) })
    expect(image.removed).to.deep.equal([
      { layer: 'conv1', neurons: 1, of: 4 },
      { layer: 'up', neurons: 1, of: 3 },
    ])
    expect(up.layers.up).to.include({ inChannels: 3, outChannels: 2 })
    expect(image.kept).to.deep.equal([{ layers: ['up'], neurons: 1, reason: 'padding' }])
    expect(image.certificate!.relativeChange).to.be.lessThan(1e-6)
    using line = sequence()
    await cut(line, 'conv1', [0, 2])
    const { removed, certificate } = await removeDeadNeurons(line, { certify: samples([2, 12]) })
    expect(removed).to.deep.equal([{ layer: 'conv1', neurons: 2, of: 4 }])
    expect(line.layers.conv2).to.include({ inChannels: 2 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('removes as many channels of each group of a grouped convolution', async () => {
    using net = grouped()
    using bias = tensor([0.5, -1, 2, 1, 0.3, -0.7, 1.5, 0.9], { device })
    await net.put([['conv1.bias', bias]])
    // What ReLU makes 0, a transposed convolution can do without.
    using low = full([6], -0.1, { device })
    await net.put([['conv2.bias', low]])
    await cut(net, 'conv1', [1, 2, 6])
    await cut(net, 'conv2', [0, 4, 5])
    const { removed, kept, certificate } = await removeDeadNeurons(net, { certify: samples([2, 8, 8]) })
    expect(removed).to.deep.equal([
      { layer: 'conv1', neurons: 2, of: 8 },
      { layer: 'conv2', neurons: 2, of: 6 },
    ])
    expect(kept).to.deep.equal([
      { layers: ['conv1'], neurons: 1, reason: 'groups' },
      { layers: ['conv2'], neurons: 1, reason: 'groups' },
    ])
    expect(net.layers.conv2).to.include({ inChannels: 6, outChannels: 4, groups: 2 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('keeps channels over which a normalization takes its statistics', async () => {
    const norms = [groupNorm(2, 4), layerNorm([4, 6, 6])]
    for (const norm of norms) {
      using net = network(
        [1, 8, 8],
        { conv: conv2d(1, 4, 3), norm, conv2: conv2d(4, 2, 1), flatten: flatten(), fc: linear(72, 2) },
        { device },
      )
      await cut(net, 'conv', [1])
      const { removed, kept } = await removeDeadNeurons(net)
      expect(removed, norm.kind).to.deep.equal([])
      expect(kept, norm.kind).to.deep.equal([{ layers: ['conv'], neurons: 1, reason: 'normalized' }])
    }
    using each = network(
      [1, 8, 8],
      {
        conv: conv2d(1, 4, 3),
        norm: groupNorm(4, 4),
        line: layerNorm(6),
        conv2: conv2d(4, 2, 1),
        flatten: flatten(),
        fc: linear(72, 2),
      },
      { device },
    )
    await cut(each, 'conv2', [], [1])
    const { removed, certificate } = await removeDeadNeurons(each, { certify: samples([1, 8, 8]) })
    expect(removed).to.deep.equal([{ layer: 'conv', neurons: 1, of: 4 }])
    expect(each.layers.norm).to.include({ numGroups: 3, numChannels: 3 })
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

  it('makes MobileNetV2 smaller, whichever of its convolutions lost channels', async () => {
    using net = mobilenetV2({ seed: 3, device })
    // Shifts that survive ReLU6: a dead channel of a depthwise convolution then says something.
    using shift = full([144], 0.7, { device })
    await net.put([['features.3.conv.1.1.bias', shift]])
    await cut(net, 'features.1.conv.0.0', [4, 9])
    await cut(net, 'features.3.conv.1.0', [0, 7, 143])
    await cut(net, 'features.5.conv.0.0', [11])
    await cut(net, 'features.9.conv.2', [], [100])
    await cut(net, 'classifier.1', [], [6])
    const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([3, 32, 32], 4) })
    expect(removed).to.deep.equal([
      { layer: 'features.0.0', neurons: 2, of: 32 },
      { layer: 'features.1.conv.0.0', neurons: 2, of: 32 },
      { layer: 'features.3.conv.0.0', neurons: 3, of: 144 },
      { layer: 'features.3.conv.1.0', neurons: 3, of: 144 },
      { layer: 'features.5.conv.0.0', neurons: 1, of: 192 },
      { layer: 'features.5.conv.1.0', neurons: 1, of: 192 },
      { layer: 'features.9.conv.0.0', neurons: 1, of: 384 },
      { layer: 'features.9.conv.1.0', neurons: 1, of: 384 },
      { layer: 'features.18.0', neurons: 1, of: 1280 },
    ])
    expect(net.layers['features.3.conv.1.0']).to.include({ groups: 141, inChannels: 141, outChannels: 141 })
    expect(net.layers['features.3.conv.2']).to.include({ bias: true })
    expect(certificate!.relativeChange).to.be.lessThan(1e-5)
  })

  for (const [name, layer] of Object.entries(activations)) {
    it(`knows what ${name} makes of a constant`, async () => {
      using net = network(
        [2, 6, 6],
        {
          conv1: conv2d(2, 6, 3),
          activation: layer,
          up: upsample({ scaleFactor: 1.5, mode: 'bilinear' }),
          conv2: conv2d(6, 3, 2),
          flatten: flatten(),
          fc: linear(75, 2),
        },
        { seed: 8, device },
      )
      using bias = tensor([-4, -1.5, -0.2, 0.3, 2, 7], { device })
      await net.put([['conv1.bias', bias]])
      await cut(net, 'conv1', [0, 1, 2, 4, 5])
      const { removed, certificate } = await removeDeadNeurons(net, { certify: samples([2, 6, 6]) })
      expect(removed).to.deep.equal([{ layer: 'conv1', neurons: 5, of: 6 }])
      expect(certificate!.relativeChange).to.be.lessThan(2e-6)
    })
  }

  it('leaves one neuron to a layer that is dead altogether', async () => {
    using net = chain()
    await cut(net, 'fc3', [0, 1, 2])
    const { removed, kept, certificate } = await removeDeadNeurons(net, { certify: samples([6]) })
    expect(removed).to.deep.equal([{ layer: 'fc2', neurons: 6, of: 7 }])
    expect(kept).to.deep.equal([{ layers: ['fc2'], neurons: 1, reason: 'last' }])
    expect(certificate!.largestChange).to.be.lessThan(1e-6)
  })

  it('changes no output by more than rounding, whatever is pruned', async () => {
    const models = [
      { make: chain, shape: [6], layers: ['fc1', 'fc2', 'fc3'] },
      { make: convolutional, shape: [2, 8, 8], layers: ['conv1', 'conv2', 'fc'] },
      { make: residual, shape: [3, 8, 8], layers: ['conv1', 'block.conv1', 'block.conv2', 'fc'] },
      { make: separable, shape: [3, 8, 8], layers: ['expand', 'depth', 'project', 'fc'] },
      { make: dense, shape: [2, 8, 8], layers: ['conv1', 'conv2', 'fc'] },
      { make: gated, shape: [2, 6, 6], layers: ['conv1', 'squeeze', 'gate', 'conv2'] },
      { make: grouped, shape: [2, 8, 8], layers: ['conv1', 'conv2', 'up', 'fc'] },
      { make: enlarging, shape: [2, 5, 5], layers: ['conv1', 'up', 'conv2', 'fc'] },
      { make: sequence, shape: [2, 12], layers: ['conv1', 'conv2', 'fc'] },
      { make: crossed, shape: [2, 4, 4], layers: ['conv', 'other', 'fc'] },
    ]
    const some = fc.array(fc.nat(5), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...models),
        fc.array(fc.tuple(some, some), { minLength: 4, maxLength: 4 }),
        async (model, cuts) => {
          using net = model.make() as unknown as Network
          for (const [i, layer] of model.layers.entries()) await cut(net, layer, cuts[i]![0], cuts[i]![1])
          const { certificate, parametersAfter } = await removeDeadNeurons(net, {
            certify: samples(model.shape, 5),
          })
          expect(certificate!.relativeChange).to.be.lessThan(1e-5)
          expect(net.parameterCount).to.equal(parametersAfter)
          await net.assertSealed()
          // What is left has nothing more to give.
          expect((await removeDeadNeurons(net)).removed).to.deep.equal([])
        },
      ),
      { numRuns: 80 },
    )
  })
})
