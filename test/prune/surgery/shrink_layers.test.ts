import { expect } from 'chai'
import { mobilenetV2 } from '../../../lib/models/index.js'
import { conv2d, flatten, groupNorm, layerNorm, linear, upsample } from '../../../lib/nn/layers/index.js'
import { network } from '../../../lib/nn/network.js'
import { removeDeadNeurons } from '../../../lib/prune/surgery/shrink.js'
import { full, ones } from '../../../lib/tensor/factories.js'
import { tensor } from '../../../lib/tensor/from.js'
import { device } from '../../support/device.js'
import {
  activations,
  columns,
  cut,
  dense,
  enlarging,
  gated,
  grouped,
  samples,
  separable,
  sequence,
} from './networks.js'

describe('removing dead neurons, of each kind of layer,', () => {
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
})
