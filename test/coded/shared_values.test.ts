import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { flatten, linear } from '../../lib/nn/layers/index.js'
import { loadNetwork, loadWeights } from '../../lib/nn/load.js'
import { type Network, network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { quantize } from '../../lib/quantize/quantize.js'
import { randint, randn } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { snapshot } from '../nn/bits.js'
import { make, type Net, SPECS, shared, steps } from '../quantize/codebook_toy.js'
import { expectShared } from '../quantize/shared.js'
import { freshFolder } from '../support/folder.js'
import { NETWORKS } from './networks.js'

/** A layer of so many weights in one row, all of them kept. */
async function masked(values: readonly number[]): Promise<Network> {
  const net = network([values.length], { fc: linear(values.length, 1) })
  const shape = [1, values.length]
  await net.put([['fc.weight', tensor(Float32Array.from(values), { shape })]])
  await net.setMask('fc', tensor(new Uint8Array(values.length).fill(1), { dtype: 'bool', shape }))
  return net as unknown as Network
}

/** The index and the values of a layer, as numbers. */
function codebookOf(net: AnyNetwork, layer: string) {
  return scope(() => {
    const found = net.codebook(layer as never)
    return (
      found && {
        index: Array.from(found.index.data(), Number),
        values: Array.from(found.values.data(), Number),
      }
    )
  })
}

describe('weights that share values, in a coded file', () => {
  const box = freshFolder()
  beforeEach(() => manualSeed(1))

  const again = async (net: Network | Net, profile?: 'compact' | 'huffman') => {
    await net.export(box('network.tpz'), { profile })
    return loadNetwork(box('network.tpz'))
  }

  for (const profile of ['compact', 'huffman'] as const) {
    it(`come back as quantize() left them: the file that save() writes is the same (${profile})`, async () => {
      using net = await shared(9)
      using images = randn([40, 2, 5, 5])
      using labels = randint(0, 7, [40]).long()
      using data = Dataset.from(images, labels)
      // A rate that makes values overtake each other.
      const retrain = { epochs: 4, batchSize: 8, optimizer: SPECS.Adam! }
      await quantize(net, { train: data, validation: data }, { values: 9, retrain })
      await net.save(box('before.safetensors'))
      using loaded = await again(net, profile)
      await loaded.save(box('after.safetensors'))
      const [before, after] = ['before', 'after'].map((name) => readFileSync(box(`${name}.safetensors`)))
      expect(after!.equals(before!)).to.equal(true)
      expect(codebookOf(loaded, 'fc')!.values).to.have.length(10)
    })
  }

  it('stay shared when they are trained on', async () => {
    using net = await shared()
    using loaded = await again(net)
    using optimizer = Optimizer.of(loaded, SPECS.momentum!)
    const before = codebookOf(loaded, 'conv')!
    await steps(loaded as unknown as Net, optimizer, 2)
    const after = codebookOf(loaded, 'conv')!
    expect(after.index).to.deep.equal(before.index)
    expect(after.values).to.not.deep.equal(before.values)
  })

  it('are shared in a network that is there already, too', async () => {
    using net = await shared()
    await net.export(box('network.tpz'))
    using other = make()
    await loadWeights(other, box('network.tpz'))
    expect(codebookOf(other, 'fc')).to.deep.equal(codebookOf(net, 'fc'))
    await expectShared(other)
  })

  it('are numbered by their values, whichever numbers they had', async () => {
    using net = await masked([3, -1, 3, 2, -1, 2, 3, 3, 3])
    const index = tensor(Uint8Array.from([1, 2, 1, 3, 2, 3, 1, 1, 1]), { shape: [1, 9] })
    await net.put([], [{ name: 'fc.weight', kind: 'codebook', keep: index.handle }])
    using loaded = await again(net)
    expect(codebookOf(loaded, 'fc')).to.deep.equal({
      index: [3, 1, 3, 2, 1, 2, 3, 3, 3],
      values: [0, -1, 2, 3],
    })
  })

  it('keep zeros of both signs and infinities, bit for bit', async () => {
    using net = await masked([0, -0, 0, -0, Infinity, -Infinity, Infinity, 2 ** -149, 1 / 3, 1 / 3])
    using loaded = await again(net)
    expect(snapshot(loaded)).to.deep.equal(snapshot(net))
    expect(codebookOf(loaded, 'fc')!.index).to.deep.equal([3, 2, 3, 2, 6, 1, 6, 4, 5, 5])
    await loaded.assertSealed()
  })

  it('are told from weights that never shared any', async () => {
    for (const what of ['weights that are all different', 'weights that are all kept'] as const) {
      using net = await NETWORKS[what]!()
      using loaded = await again(net)
      for (const layer of loaded.prunable) expect(codebookOf(loaded, layer), what).to.equal(undefined)
    }
    const some = (count: number, values: number) => Array.from({ length: count }, (_, i) => (i % values) / 7)
    const cases = [
      { count: 600, values: 256, shares: true },
      { count: 600, values: 257, shares: false },
      // One in eight repeats another.
      { count: 80, values: 70, shares: true },
      { count: 80, values: 71, shares: false },
    ]
    for (const { count, values, shares } of cases) {
      using net = await masked(some(count, values))
      using loaded = await again(net)
      expect(codebookOf(loaded, 'fc') !== undefined, `${values} of ${count}`).to.equal(shares)
      expect(snapshot(loaded)).to.deep.equal(snapshot(net))
    }
  })

  it('do not come back to a layer of which nothing is kept', async () => {
    using net = network([4], { flatten: flatten(), fc: linear(4, 2) })
    await net.setMask('fc', tensor(new Uint8Array(8), { dtype: 'bool', shape: [2, 4] }))
    using loaded = await again(net as unknown as Network)
    expect(codebookOf(loaded, 'fc')).to.equal(undefined)
    using mask = loaded.mask('fc')!
    expect(Array.from(mask.data(), Number)).to.deep.equal(new Array(8).fill(0))
  })
})
