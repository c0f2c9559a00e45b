import { expect } from 'chai'
import { loadAddon } from '../../lib/binding/addon.js'
import { Dataset } from '../../lib/data/dataset.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { ema } from '../../lib/optim/averaging.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2, noRegularization } from '../../lib/optim/regularization.js'
import { adam, type OptimizerSpec } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { cuda } from '../../lib/tensor/cuda.js'
import { randint, randn } from '../../lib/tensor/factories.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { backward, make, SPECS, shared, steps } from './codebook_toy.js'
import { expectShared, expectSharedBits, shareAll } from './shared.js'

beforeEach(() => manualSeed(1))

describe('weights of an index are equal bit for bit:', () => {
  for (const [name, plain] of Object.entries(SPECS)) {
    for (const fused of [true, false]) {
      const spec: OptimizerSpec = { ...plain, fused }
      describe(`${name}${fused ? '' : ', looped'}`, () => {
        for (const regularization of [noRegularization, l1(0.01), l2(0.01)]) {
          it(`from the moment they share on, over ${regularization.kind} regularization`, async () => {
            using net = make()
            await applyCriterion(net, criteria.magnitude().density(0.5))
            using optimizer = Optimizer.of(net, spec, regularization)
            for (let i = 0; i < 2; i++) {
              optimizer.zeroGrad()
              backward(net)
              optimizer.step()
            }
            await shareAll(net, 5) // gradients and moments are there, one for each weight
            expect(await expectShared(net, optimizer)).to.be.above(20)
            optimizer.step()
            backward(net) // adds to the gradient
            await expectShared(net, optimizer)
            const before = snapshot(net)
            await steps(net, optimizer)
            expect(snapshot(net)['fc.weight']).to.not.deep.equal(before['fc.weight'])
          })
        }

        for (const factor of [Number.POSITIVE_INFINITY, Number.NaN, 1e38]) {
          it(`through gradients times ${factor}`, async () => {
            using net = await shared()
            using optimizer = Optimizer.of(net, spec)
            for (let i = 0; i < 2; i++) {
              backward(net, factor)
              await expectShared(net, optimizer)
              optimizer.step()
              await expectShared(net, optimizer)
            }
          })
        }

        it('through gradients set by hand, changed in place, and put out by a hook', async () => {
          using net = await shared()
          using optimizer = Optimizer.of(net, spec)
          scope(() => {
            const weight = net.tensor('fc.weight')
            weight.grad = randn([7, 36], { device })
            expectSharedBits(net, optimizer)
            weight.grad!.mul_(randn([7, 36], { device }))
            optimizer.step()
            expectSharedBits(net, optimizer)
            using _hook = weight.registerHook((grad) => randn(grad.shape, { device }))
            backward(net)
            expectSharedBits(net, optimizer)
            optimizer.step()
            expectSharedBits(net, optimizer)
          })
        })

        it('for an optimizer made after it, and one that loads moments', async () => {
          using net = make()
          using old = Optimizer.of(net, spec)
          backward(net)
          old.step()
          const state = old.state()
          await shareAll(net, 6)
          using loaded = Optimizer.of(net, spec)
          await loaded.loadState(state)
          await expectShared(net, old, loaded)
          await steps(net, loaded, 2)
        })

        it('in a job, which trains what it would step by step', async () => {
          using images = randn([40, 2, 5, 5])
          using labels = randint(0, 7, [40]).long()
          using dataset = Dataset.from(images, labels)
          using net = await shared()
          using optimizer = Optimizer.of(net, spec, l1(0.001))
          const addon = loadAddon()
          const trainer = addon.trainerMake(net.handle, optimizer.handle, dataset.handle, { batchSize: 8 })
          await addon.trainerRun(trainer, { rates: [0.01], seed: 1 }).promise
          addon.trainerDispose(trainer)
          expect(optimizer.state().get('fc.weight')!.steps).to.equal(5)
          await expectShared(net, optimizer)
        })
      })
    }
  }

  it('in weights of every length, where vectors end too', async () => {
    for (let size = 1; size <= 70; size += 3) {
      using net = network([size], { fc: linear(size, 3) }, { device })
      await shareAll(net, 4)
      for (const spec of [SPECS.Adam!, { ...SPECS.AdamW!, fused: false }]) {
        using optimizer = Optimizer.of(net, spec)
        for (let i = 0; i < 3; i++) {
          scope(() =>
            crossEntropy(
              net.forward(randn([4, size], { device })),
              randint(0, 3, [4], { device }).long(),
            ).backward(),
          )
          optimizer.step()
          expectSharedBits(net, optimizer)
        }
      }
    }
  })

  it('with more values than a byte counts', async () => {
    using net = network([40], { fc: linear(40, 20) }, { device })
    await shareAll(net, 400)
    using codebook = net.codebook('fc')!.index
    expect(codebook.dtype).to.equal('int16')
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    scope(() =>
      net
        .forward(randn([4, 40], { device }))
        .pow(2)
        .sum()
        .backward(),
    )
    optimizer.step()
    expect(await expectShared(net, optimizer)).to.be.above(1000)
  })

  it('in every layout and on every device', async function () {
    using net = await shared()
    using optimizer = Optimizer.of(net, SPECS.amsgrad!)
    await steps(net, optimizer, 1)
    await net.setMemoryFormat('channelsLast')
    await expectShared(net, optimizer)
    await steps(net, optimizer, 2)
    await net.setMemoryFormat('contiguous')
    await steps(net, optimizer, 1)
    if (!cuda.isAvailable()) this.skip()
    await net.to(device === 'cpu' ? 'cuda' : 'cpu')
    await expectShared(net, optimizer)
  })

  it('with an average of the weights, and layers frozen for a while', async () => {
    using net = await shared()
    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 7, [40]).long()
    using dataset = Dataset.from(images, labels)
    net.freeze('conv')
    await train(net, dataset, { epochs: 2, optimizer: adam({ lr: 0.01 }), averaging: ema() })
    await expectShared(net)
    net.unfreeze()
    await train(net, dataset, { epochs: 1, optimizer: SPECS.Nesterov!, clipGradients: { norm: 0.1 } })
    await expectShared(net)
  })
})
