import { expect } from 'chai'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2 } from '../../lib/optim/regularization.js'
import type { OptimizerSpec } from '../../lib/optim/spec.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { full, randn } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { expectSealed, expectSealedBits } from './sealed.js'
import { backward, make, maskAll, REGULARIZATIONS, SPECS, steps } from './sealing_toy.js'

beforeEach(() => manualSeed(1))

describe('a pruned weight is sealed:', () => {
  for (const [name, plain] of Object.entries(SPECS)) {
    for (const fused of [true, false]) {
      const spec: OptimizerSpec = { ...plain, fused }
      describe(`${name}${fused ? '' : ', looped'}`, () => {
        for (const regularization of REGULARIZATIONS) {
          it(`from the mask on, over ${regularization.kind} regularization`, async () => {
            using net = make()
            using optimizer = Optimizer.of(net, spec, regularization)
            for (let i = 0; i < 3; i++) {
              optimizer.zeroGrad()
              backward(net)
              optimizer.step()
            }
            await maskAll(net) // gradients and moments are there, and not 0
            expect(await expectSealed(net, optimizer)).to.be.above(100)
            optimizer.step() // on the gradient from before the mask
            await expectSealed(net, optimizer)
            backward(net) // adds to it
            await expectSealed(net, optimizer)
            const before = snapshot(net)
            await steps(net, optimizer)
            expect(snapshot(net)['fc.weight'], 'survivors move').to.not.deep.equal(before['fc.weight'])
          })
        }

        for (const factor of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -1, 1e38]) {
          it(`through gradients times ${factor}`, async () => {
            using net = make()
            using optimizer = Optimizer.of(net, spec, l2(0.01))
            backward(net)
            optimizer.step()
            await maskAll(net)
            for (let i = 0; i < 3; i++) {
              backward(net, factor)
              await expectSealed(net, optimizer)
              optimizer.step()
              await expectSealed(net, optimizer)
            }
          })
        }

        it('through gradients set by hand and changed in place', async () => {
          using net = make()
          using optimizer = Optimizer.of(net, spec, l1(0.01))
          await maskAll(net)
          const values = [1, -1, -0, Number.NaN, Number.NEGATIVE_INFINITY]
          for (const value of values) {
            scope(() => {
              const { weight, given } = {
                weight: net.tensor('fc.weight'),
                given: full([3, 36], value, { device }),
              }
              weight.grad = given
              expectSealedBits(net, optimizer)
              expect(new Set(given.data()), "the caller's own tensor").to.deep.equal(new Set([value]))
              weight.grad!.mul_(value) // and behind the mask's back
            })
            optimizer.step()
            await expectSealed(net, optimizer)
          }
        })

        it("through a hook's garbage", async () => {
          using net = make()
          using optimizer = Optimizer.of(net, spec)
          await maskAll(net)
          using weight = net.tensor('fc.weight')
          const garbage = [Number.NaN, -0, Number.POSITIVE_INFINITY, -3]
          let calls = 0
          using _hook = weight.registerHook((grad) => full(grad.shape, garbage[calls++ % 4]!, { device }))
          await steps(net, optimizer, garbage.length)
          expect(calls).to.equal(garbage.length)
        })

        it('for an optimizer made after the mask, and one that loads moments after it', async () => {
          using net = make()
          using old = Optimizer.of(net, spec)
          backward(net)
          old.step()
          const state = old.state()
          await maskAll(net)
          using made = Optimizer.of(net, spec)
          using loaded = Optimizer.of(net, spec)
          await loaded.loadState(state)
          for (const optimizer of [made, loaded]) await steps(net, optimizer, 2)
          await old.loadState(state)
          await expectSealed(net, old, made, loaded)
          await steps(net, old, 2)
          for (const { moments } of state.values())
            for (const moment of Object.values(moments)) moment.dispose()
        })

        it('with layers frozen for a while', async () => {
          using net = make()
          using optimizer = Optimizer.of(net, spec)
          await steps(net, optimizer, 1)
          net.freeze('fc')
          await maskAll(net)
          await expectSealed(net, optimizer)
          await steps(net, optimizer, 2)
          net.unfreeze()
          await steps(net, optimizer, 2)
          net.freeze('conv', 'fc')
          await expectSealed(net, optimizer)
          net.unfreeze('fc')
          await steps(net, optimizer, 1)
        })
      })
    }
  }

  it('in weights of every length, where vectors end too', async () => {
    for (let size = 1; size <= 70; size++) {
      using net = network([size], { fc: linear(size, 1) }, { device })
      using optimizer = Optimizer.of(net, SPECS.Nesterov!)
      using keep = randn([1, size], { device }).gt(0)
      using weight = net.tensor('fc.weight')
      using whole = noGrad(() => weight.detach().clone())
      await net.setMask('fc', keep)
      scope(() => {
        expect(weight.detach().equal(whole.mul(keep)), `what is kept of ${size}`).to.equal(true)
        for (const value of [Number.NaN, -1]) {
          weight.grad = full([1, size], value, { device })
          expectSealedBits(net, optimizer)
          optimizer.step()
          expectSealedBits(net, optimizer)
        }
      })
    }
  })

  it('in a second graph and with gradients of gradients', async () => {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await maskAll(net)
    scope(() => {
      const weight = net.tensor('fc.weight')
      weight.pow(3).sum().backward(undefined, { createGraph: true })
      expectSealedBits(net, optimizer)
      const loss = weight.mul(-1).sum()
      loss.backward(undefined, { retainGraph: true })
      loss.backward()
      expectSealedBits(net, optimizer)
    })
    optimizer.step()
    await expectSealed(net, optimizer)
  })
})
