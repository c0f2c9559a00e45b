import { expect } from 'chai'
import { linear, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { ones, randn } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { make, type Net, SPECS, shared, steps } from './codebook_toy.js'
import { expectShared, shareAll } from './shared.js'

beforeEach(() => manualSeed(1))

describe('shared values', () => {
  it('sum up the gradients of their weights, over backward passes too', async () => {
    using net = await shared()
    using plain = make()
    await plain.put(await net.snapshot())
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      const gradient = (of: Net) => {
        of.forward(input).pow(2).sum().backward()
        return Array.from(of.tensor('fc.weight').grad!.flatten().data(), Number)
      }
      const index = Array.from(net.codebook('fc')!.index.flatten().data(), Number)
      const sums = Array.from({ length: 6 }, () => 0)
      gradient(plain).forEach((value, i) => {
        if (index[i]! > 0) sums[index[i]!]! += value
      })
      const once = gradient(net)
      for (const [i, value] of once.entries()) expect(value).to.be.closeTo(sums[index[i]!]!, 1e-4)
      expect(gradient(net)).to.deep.equal(once.map((value) => 2 * value))
    })
  })

  it('have gradients of gradients', async () => {
    using net = await shared()
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      net.forward(input).pow(2).sum().backward(undefined, { createGraph: true })
      net.tensor('fc.weight').grad!.pow(2).sum().backward()
      expect(net.tensor('fc.weight').grad!.isfinite().all().item()).to.equal(1)
    })
    await net.assertSealed()
  })

  it('are means of their clusters, and what is pruned is none of them', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density(0.5))
    const before = scope(() => Array.from(net.tensor('fc.weight').detach().flatten().data(), Number))
    await shareAll(net, 5)
    scope(() => {
      const { index, values } = net.codebook('fc')!
      const [places, table] = [Array.from(index.flatten().data(), Number), Array.from(values.data(), Number)]
      expect(table.length).to.equal(6)
      expect(table[0]).to.equal(0)
      expect(places.map((place) => place === 0)).to.deep.equal(before.map((value) => value === 0))
      for (let i = 1; i < table.length; i++) {
        const own = before.filter((_, at) => places[at] === i)
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length
        expect(Math.fround(mean)).to.equal(table[i])
      }
      const mask = Array.from(net.mask('fc')!.flatten().data(), Boolean)
      expect(mask).to.deep.equal(places.map((place) => place > 0))
    })
  })

  it('stay shared where some of their weights are pruned', async () => {
    using net = await shared()
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await steps(net, optimizer, 1)
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.25 }))
    expect(net.codebook('fc')).to.not.equal(undefined)
    await expectShared(net, optimizer)
    await steps(net, optimizer, 1)
  })

  it('are numbered without those that no weight has', async () => {
    using net = network([4], { fc: linear(4, 1) }, { device })
    const index = tensor([9, 0, 3, 9], { shape: [1, 4], dtype: 'int64' })
    await net.put([], [{ name: 'fc.weight', kind: 'codebook', keep: index.handle }])
    scope(() => {
      const codebook = net.codebook('fc')!
      expect(Array.from(codebook.index.data(), Number)).to.deep.equal([2, 0, 1, 2])
      expect(codebook.values.shape).to.deep.equal([3])
    })
    await expectShared(net)
  })

  it('outlive dead neurons', async () => {
    using net = network([6], { fc1: linear(6, 4), relu: relu(), fc2: linear(4, 2) }, { device })
    using keep = ones([4, 6], { device })
    keep.narrow(0, 1, 1).fill_(0)
    await net.setMask('fc1', keep)
    await shareAll(net, 3)
    await removeDeadNeurons(net)
    scope(() => {
      expect(net.tensor('fc1.weight').shape).to.deep.equal([3, 6])
      expect(net.codebook('fc1')!.values.shape).to.deep.equal([4])
    })
    expect(await expectShared(net)).to.be.above(5)
  })

  it('end with another mask, or without one', async () => {
    using net = await shared()
    using keep = ones([7, 36], { device })
    await net.setMask('fc', keep)
    expect(net.codebook('fc')).to.equal(undefined)
    await net.setMask('conv', undefined)
    expect(net.codebook('conv')).to.equal(undefined)
  })

  it('are what assertSealed() looks at', async () => {
    using net = await shared()
    scope(() => {
      const weight = net.tensor('fc.weight').detach().flatten()
      const place = Array.from(net.codebook('fc')!.index.flatten().data(), Number).lastIndexOf(1)
      weight.narrow(0, place, 1).add_(1)
    })
    const { code, message } = await laterRefusal(net.assertSealed())
    expect(code).to.equal('ERR_SEAL')
    expect(message).to.match(
      /^weights that share a value are not equal, or pruned ones not \+0, in fc\.weight \(1\): /,
    )
  })
})
