import { expect } from 'chai'
import fc from 'fast-check'
import { conv2d, flatten, linear, localResponseNorm } from '../../../lib/nn/layers/index.js'
import { type Network, network } from '../../../lib/nn/network.js'
import { removeDeadNeurons } from '../../../lib/prune/surgery/shrink.js'
import { ones } from '../../../lib/tensor/factories.js'
import { tensor } from '../../../lib/tensor/from.js'
import { device } from '../../support/device.js'
import {
  chain,
  convolutional,
  crossed,
  cut,
  dense,
  enlarging,
  gated,
  grouped,
  residual,
  samples,
  separable,
  sequence,
} from './networks.js'

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

  it('keeps the channels in front of a local response normalization, which counts them', async () => {
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
    expect(kept).to.deep.equal([{ layers: ['conv1'], neurons: 1, reason: 'neighbors' }])
    expect(certificate!.relativeChange).to.be.lessThan(1e-6)
  })

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
