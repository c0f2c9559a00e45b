import { expect } from 'chai'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { removeDeadNeurons } from '../../lib/prune/surgery/shrink.js'
import { sensitivity } from '../../lib/studies/sensitivity.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { ones, randn, zeros } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { evaluate, predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { snapshot } from './bits.js'
import { backward, half, make, spliceAll } from './spliced_toy.js'

beforeEach(() => manualSeed(1))

describe('a spliced layer', () => {
  it('computes with +0 where it is pruned, and keeps its dense weight', async () => {
    using net = make()
    using masked = make()
    await spliceAll(net)
    for (const layer of net.prunable) await masked.setMask(layer, net.mask(layer))
    expect(snapshot(net), 'the dense weights').to.deep.equal(snapshot(make()))
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      expect(net.forward(input).data()).to.deep.equal(masked.forward(input).data())
    })
  })

  it('hands the dense weight all of the gradient that the masked one has', async () => {
    using net = make()
    using masked = make()
    await spliceAll(net)
    // Without a mask that would seal: the gradient of a weight that is 0.
    for (const layer of net.prunable) {
      using values = scope(() => net.tensor(`${layer}.weight`).detach().mul(net.mask(layer)!))
      await masked.put([[`${layer}.weight`, values]])
    }
    scope(() => {
      const input = randn([4, 2, 5, 5], { device })
      backward(net, input)
      backward(masked, input)
      for (const name of ['conv.weight', 'conv.bias', 'fc.weight', 'fc.bias'] as const) {
        const [ours, expected] = [net.tensor(name).grad!, masked.tensor(name).grad!]
        expect(ours.allclose(expected, { rtol: 1e-5, atol: 1e-6 }), name).to.equal(true)
      }
      expect(net.tensor('fc.weight').grad!.ne(0).all().item(), 'pruned places too').to.equal(1)
    })
  })

  it('keeps infinite and NaN shadows out of what it computes, and out of what is sealed', async () => {
    for (const spec of [sgd({ lr: 0.1, momentum: 0.9 }), adam({ lr: 0.1 })]) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        using net = make()
        using optimizer = Optimizer.of(net, spec)
        await spliceAll(net)
        using input = randn([4, 2, 5, 5], { device })
        using computed = noGrad(() => net.forward(input))
        const before = computed.data()
        scope(() => {
          const pruned = net.mask('fc')!.logicalNot()
          const weight = net.tensor('fc.weight')
          weight.grad = zeros(weight.shape, { device }).maskedFill(pruned, value)
          optimizer.step()
          expect(weight.detach().isfinite().all().item(), 'the shadow').to.equal(0)
          expect(net.forward(input).data()).to.deep.equal(before)
        })
        await net.seal()
        await expectSealed(net, optimizer)
        using after = noGrad(() => net.forward(input))
        expect(after.data()).to.deep.equal(before)
        backward(net, input, value)
        await expectSealed(net, optimizer)
        optimizer.step()
        await expectSealed(net, optimizer)
      }
    }
  })

  it('seals moments and gradients that its dense weight had', async () => {
    using net = make()
    using optimizer = Optimizer.of(net, adam({ lr: 0.05, weightDecay: 0.1 }))
    using input = randn([4, 2, 5, 5], { device })
    await spliceAll(net)
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad()
      backward(net, input)
      optimizer.step()
    }
    await net.seal()
    expect(net.spliced).to.deep.equal([])
    expect(await expectSealed(net, optimizer)).to.be.above(200)
    optimizer.step()
    backward(net, input)
    optimizer.step()
    await expectSealed(net, optimizer)
  })

  it('is named, in order, and takes the mask that is there', async () => {
    using net = make()
    expect(net.spliced).to.deep.equal([])
    using keep = half([3, 36])
    await net.setMask('fc', keep)
    await net.splice('fc')
    await net.splice('conv')
    expect(net.spliced).to.deep.equal(['conv', 'fc'])
    expect(net.mask('fc')!.data()).to.deep.equal(keep.data())
    expect(net.mask('conv')!.all().item()).to.equal(1)
    await net.setMask('fc', keep) // a seal
    expect(net.spliced).to.deep.equal(['conv'])
    await net.setMask('conv', undefined)
    expect(net.spliced).to.deep.equal([])
    await net.seal() // nothing to do
    await expectSealed(net)
  })

  it('is rejected by assertSealed until seal()', async () => {
    using net = make()
    await spliceAll(net)
    // Even where the shadow is +0 in all pruned places.
    for (const layer of net.prunable) {
      using weight = net.tensor(`${layer}.weight`)
      noGrad(() => weight.zero_())
    }
    const { code, message } = await laterRefusal(net.assertSealed())
    expect(code).to.equal('ERR_SEAL')
    expect(message).to.equal(
      'the network is not sealed: the pruned weights of conv, fc are spliced and may still return; call seal() first',
    )
    await net.seal()
    await net.assertSealed()
  })

  it('does not move while it is frozen', async () => {
    using net = make()
    await spliceAll(net)
    net.freeze('conv')
    using optimizer = Optimizer.of(net, sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }))
    using input = randn([4, 2, 5, 5], { device })
    const before = snapshot(net)
    backward(net, input)
    optimizer.step()
    expect(snapshot(net)['conv.weight']).to.deep.equal(before['conv.weight'])
    expect(snapshot(net)['fc.weight']).to.not.deep.equal(before['fc.weight'])
    expect(net.spliced).to.deep.equal(['conv', 'fc'])
    await net.seal()
    await expectSealed(net, optimizer)
  })

  it('stays spliced where it is moved', async () => {
    using net = make()
    await spliceAll(net)
    const before = snapshot(net)
    for (const to of ['cpu', device] as const) {
      await net.to(to)
      expect(net.spliced).to.deep.equal(['conv', 'fc'])
      expect(snapshot(net)).to.deep.equal(before)
    }
  })

  it('trains, is evaluated and counted by its mask', async () => {
    using net = toyNetwork()
    using sealed = toyNetwork()
    await applyCriterion(sealed, criteria.magnitude().density(0.5))
    for (const layer of net.prunable) await net.splice(layer, sealed.mask(layer))
    expect(await keptWeights(net)).to.deep.equal(await keptWeights(sealed))
    expect(await parameterReport(net)).to.deep.equal(await parameterReport(sealed))
    expect(await evaluate(net, toyData())).to.deep.equal(await evaluate(sealed, toyData()))
    const [ours, expected] = [await predict(net, toyData()), await predict(sealed, toyData())]
    expect(ours.data()).to.deep.equal(expected.data())
    using before = net.tensor('fc1.weight').detach().clone()
    await train(net, toyData(), { epochs: 1, optimizer: sgd({ lr: 0.1 }) })
    scope(() => {
      const moved = net.tensor('fc1.weight').detach().ne(before)
      expect(moved.logicalAnd(net.mask('fc1')!.logicalNot()).any().item(), 'the shadow learns').to.equal(1)
    })
  })

  it('is pruned for good by a criterion', async () => {
    using net = make()
    await spliceAll(net)
    const before = (await keptWeights(net)).map(({ kept }) => kept)
    await applyCriterion(net, criteria.magnitude().density(0.9))
    expect(net.spliced).to.deep.equal([])
    await expectSealed(net)
    expect((await keptWeights(net)).map(({ kept }) => kept)).to.deep.equal(before)
  })
})

describe('splicing refuses', () => {
  it('a mask of another shape, a layer that is not there, and a network in a job', async () => {
    using net = toyNetwork()
    using keep = ones([3, 3], { device })
    expect((await laterRefusal(net.splice('fc1', keep))).code).to.equal('ERR_SHAPE')
    expect((await laterRefusal(net.splice('fc9' as 'fc1'))).code).to.equal('ERR_ARGUMENT')
    await net.splice('fc1')
    const work = evaluate(net, toyData())
    expect((await laterRefusal(net.splice('fc2'))).code).to.equal('ERR_BUSY')
    expect((await laterRefusal(net.seal())).code).to.equal('ERR_BUSY')
    await work
    await net.seal()
  })

  it('to remove dead neurons, and to measure sensitivity', async () => {
    using net = toyNetwork()
    await net.splice('fc1')
    expect(await refusedWith(removeDeadNeurons(net), 'ERR_SEAL')).to.match(
      /^dead neurons are not removed: .* of fc1 are spliced .* call seal\(\) first$/,
    )
    expect((await laterRefusal(sensitivity(net, toyData()))).code).to.equal('ERR_SEAL')
  })
})
