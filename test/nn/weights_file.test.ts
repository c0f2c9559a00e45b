import { expect } from 'chai'
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../../lib/formats/safetensors.js'
import { linear } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { readGraph } from '../../lib/nn/stored_graph.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { ones, randn } from '../../lib/tensor/factories.js'
import { scope } from '../../lib/tensor/scope.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal } from '../support/refusal.js'
import { snapshot } from './bits.js'
import { changed, make } from './saved_toy.js'

const box = freshFolder()
const file = () => box('net.safetensors')

describe('a saved network', () => {
  it('comes back bit for bit: graph, parameters, statistics, masks', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density({ 'stem.conv': 0.5, fc: 0.25 }))
    scope(() => net.forward(randn([5, 2, 4, 4], { device }), { training: true }))
    await net.save(file())
    using loaded = await loadNetwork(file(), { device, seed: 9 })
    expect(snapshot(loaded)).to.deep.equal(snapshot(net))
    expect(loaded.nodes).to.deep.equal(net.nodes)
    expect(Object.keys(loaded.layers)).to.deep.equal(Object.keys(net.layers))
    const masks = (each: { mask(layer: string): ReturnType<typeof net.mask> }) =>
      scope(() => ['stem.conv', 'short', 'fc'].map((layer) => each.mask(layer)?.data()))
    expect(masks(loaded)).to.deep.equal(masks(net as never))
    expect(masks(loaded)[1]).to.equal(undefined)
    await expectSealed(loaded)
    scope(() => {
      const input = randn([2, 2, 4, 4], { device })
      expect(loaded.forward(input).equal(net.forward(input))).to.equal(true)
    })
  })

  it("has PyTorch's names, masks beside their weights as bytes, and its graph in the metadata", async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.25 }))
    await net.save(file())
    const { tensors, metadata } = await readSafetensors(file())
    expect([...tensors.keys()].sort()).to.deep.equal([
      'fc.bias',
      'fc.weight',
      'fc.weight_mask',
      'short.bias',
      'short.weight',
      'stem.bn.bias',
      'stem.bn.num_batches_tracked',
      'stem.bn.running_mean',
      'stem.bn.running_var',
      'stem.bn.weight',
      'stem.conv.weight',
    ])
    const mask = tensors.get('fc.weight_mask')!
    expect(mask).to.deep.include({ dtype: 'uint8', shape: [3, 24] })
    expect(mask.data.reduce((sum, each) => sum + each, 0)).to.equal(18)
    const bits = new Uint32Array(tensors.get('fc.weight')!.data.buffer)
    expect(bits.every((each, i) => mask.data[i] === 1 || each === 0)).to.equal(true)
    expect(metadata.format).to.equal('pt')
    expect(await readGraph(file())).to.deep.equal({ inputShape: [2, 4, 4], layers: net.layers })
  })

  it('comes back where a layer has a name like those of what training keeps beside it', async () => {
    using net = network([4], { 'torch-prune.fc': linear(4, 3), last: linear(3, 2) }, { seed: 1, device })
    await applyCriterion(net, criteria.magnitude().density({ 'torch-prune.fc': 0.5 }))
    await net.save(file())
    using loaded = await loadNetwork(file(), { device })
    expect(snapshot(loaded)).to.deep.equal(snapshot(net as never))
    expect(loaded.mask('torch-prune.fc')?.data()).to.deep.equal(net.mask('torch-prune.fc')?.data())
  })

  it('is not written where it cannot be', async () => {
    using net = make()
    expect((await laterRefusal(net.save(box('no/such/net.safetensors')))).code).to.equal('ERR_OUTPUT')
  })
})

describe('loadWeights', () => {
  it('takes files of others: without masks, graph and batch counts, and in other floats', async () => {
    using net = make()
    await net.save(file())
    const { tensors } = await readSafetensors(file())
    tensors.delete('stem.bn.num_batches_tracked')
    const bias = new Float64Array([0.5, -0.25, 2])
    tensors.set('fc.bias', { dtype: 'float64', shape: [3], data: new Uint8Array(bias.buffer) })
    await writeSafetensors(file(), { metadata: {}, tensors })
    using other = make(1)
    await applyCriterion(other, criteria.magnitude().density(0.5))
    await loadWeights(other, file())
    expect(snapshot(other)).to.deep.include({
      'fc.weight': snapshot(net)['fc.weight'],
      'fc.bias': new Uint8Array(Float32Array.from(bias).buffer),
    })
    expect(other.mask('fc'), 'a file without masks is dense').to.equal(undefined)
    const error = await laterRefusal(loadNetwork(file()))
    expect(error.message).to.equal(
      `${file()}: it holds no layer graph; make its network and load it with loadWeights()`,
    )
  })

  it('seals what a mask prunes, whatever the file says of the weight', async () => {
    using net = make()
    using keep = ones([3, 24], { device })
    keep.narrow(1, 0, 12).fill_(0)
    await net.setMask('fc', keep)
    await net.save(file())
    const held = await readSafetensors(file())
    new Float32Array(held.tensors.get('fc.weight')!.data.buffer).fill(Number.NaN)
    await writeSafetensors(file(), held)
    using loaded = await loadNetwork(file(), { device })
    expect(await expectSealed(loaded)).to.equal(36)
  })

  const misfits: [what: string, says: RegExp, change: (file: SafetensorsFile) => void][] = [
    [
      'a missing tensor',
      /^tensor "fc.bias" is missing; load it into the network that it belongs to$/,
      ({ tensors }) => tensors.delete('fc.bias'),
    ],
    [
      'a tensor too many',
      /^tensor "fc9.weight" belongs to no layer of the network; /,
      ({ tensors }) => tensors.set('fc9.weight', tensors.get('fc.weight')!),
    ],
    [
      'another shape',
      /^tensor "fc.weight" has shape \[24, 3\], the network's has \[3, 24\]; /,
      ({ tensors }) => tensors.set('fc.weight', { ...tensors.get('fc.weight')!, shape: [24, 3] }),
    ],
    [
      'integers for weights',
      /^tensor "fc.weight" is int32, expected float32; /,
      ({ tensors }) => tensors.set('fc.weight', { ...tensors.get('fc.weight')!, dtype: 'int32' }),
    ],
    [
      'several shapes',
      /^tensor "fc.weight" has shape \[24, 3\], .* \(and 1 more that do not fit\); load it into the network that it belongs to$/,
      ({ tensors }) => {
        tensors.set('fc.weight', { ...tensors.get('fc.weight')!, shape: [24, 3] })
        tensors.set('fc.bias', { ...tensors.get('fc.bias')!, shape: [1, 3] })
      },
    ],
    [
      'other names',
      /^tensor "fc.bias" is missing, tensors "a.0", "a.1", "a.2" and 7 more belong to no layer of the network; load it into the network that it belongs to$/,
      ({ tensors }) => {
        for (let i = 0; i < 10; i++) tensors.set(`a.${i}`, tensors.get('fc.bias')!)
        tensors.delete('fc.bias')
      },
    ],
    [
      'a mask of floats',
      /^tensor "fc.weight_mask" is a mask and holds other values than 0 and 1; /,
      ({ tensors }) => tensors.set('fc.weight_mask', tensors.get('fc.weight')!),
    ],
    [
      'a mask of another shape',
      /^tensor "fc.weight_mask" has shape \[72\]/,
      ({ tensors }) => tensors.set('fc.weight_mask', { ...tensors.get('fc.weight_mask')!, shape: [72] }),
    ],
    [
      'a mask for a bias',
      /^tensor "fc.bias_mask" belongs to no layer/,
      ({ tensors }) => tensors.set('fc.bias_mask', { dtype: 'uint8', shape: [3], data: new Uint8Array(3) }),
    ],
  ]
  for (const [what, says, change] of misfits) {
    it(`refuses ${what}, and leaves the network as it was`, async () => {
      using net = make(4)
      await applyCriterion(net, criteria.magnitude().density({ fc: 0.75 }))
      const before = snapshot(net)
      const mask = () => scope(() => net.mask('fc')!.data())
      const sealed = mask()
      const load = (path: string) => loadWeights(net, path) as Promise<never>
      expect(await changed(file(), change, load)).to.match(says)
      expect(snapshot(net)).to.deep.equal(before)
      expect(mask()).to.deep.equal(sealed)
      expect(net.mask('short')).to.equal(undefined)
    })
  }

  it('names a file that is not there', async () => {
    using net = make()
    expect((await laterRefusal(loadWeights(net, file()))).code).to.equal('ERR_FILE')
  })
})
