import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { TorchPruneError } from '../../lib/base/errors.js'
import { loadAddon } from '../../lib/binding/addon.js'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { batchNorm2d, conv2d, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { l1, l2, noRegularization } from '../../lib/optim/regularization.js'
import { type AdamSpec, adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { cuda } from '../../lib/tensor/device.js'
import { full, ones, randint, randn } from '../../lib/tensor/factories.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { expectSealed, expectSealedBits } from './sealed.js'

const SPECS: Record<string, OptimizerSpec> = {
  'plain SGD': sgd({ lr: 0.1 }),
  momentum: sgd({ lr: 0.1, momentum: 0.9 }),
  Nesterov: sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'weight decay': sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
  dampening: sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }),
  Adam: adam({ lr: 0.05 }),
  'Adam with weight decay': adam({ lr: 0.05, weightDecay: 0.1, eps: 1e-30 }),
  amsgrad: adam({ lr: 0.05, amsgrad: true, weightDecay: 0.1 }),
  AdamW: adamw({ lr: 0.05, weightDecay: 0.5 }),
  'AdamW with amsgrad': adamw({ lr: 0.05, weightDecay: 0.5, amsgrad: true }),
}
const REGULARIZATIONS = [noRegularization, l1(0.01), l2(0.01)]

const make = () =>
  network(
    [2, 5, 5],
    { conv: conv2d(2, 4, 3), bn: batchNorm2d(4), relu: relu(), flatten: flatten(), fc: linear(36, 3) },
    { seed: 3, device },
  )
type Net = ReturnType<typeof make>

/** Prunes about half of the weights, the first ones among them. */
async function maskAll(net: Net): Promise<void> {
  for (const layer of net.prunable) {
    using weight = net.tensor(`${layer}.weight`)
    using keep = randn(weight.shape, { device }).gt(0)
    keep.flatten().narrow(0, 0, 3).fill_(false)
    await net.setMask(layer, keep)
  }
}

/** Forward and backward on random samples; the loss times `factor`. */
function backward(net: Net, factor = 1): void {
  scope(() => {
    const logits = net.forward(randn([8, 2, 5, 5], { device }), { training: true })
    crossEntropy(logits, randint(0, 3, [8], { device }).long())
      .mul(factor)
      .backward()
  })
}

async function steps(net: Net, optimizer: Optimizer, count = 3): Promise<void> {
  for (let i = 0; i < count; i++) {
    optimizer.zeroGrad()
    backward(net)
    await expectSealed(net, optimizer)
    optimizer.step()
    await expectSealed(net, optimizer)
  }
}

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

        it('for an optimiser made after the mask, and one that loads moments after it', async () => {
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

  it('in a job, and in the moments that it leaves', async () => {
    using net = make()
    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 3, [40]).long()
    using dataset = Dataset.from(images, labels)
    for (const spec of Object.values(SPECS)) {
      using optimizer = Optimizer.of(net, spec, l1(0.001))
      await maskAll(net)
      const options = { batchSize: 8, rates: [0.01], seed: 1 }
      await loadAddon().trainingStart(net.handle, optimizer.handle, dataset.handle, options).promise
      expect(optimizer.state().get('fc.weight')!.steps).to.equal(5)
      expect(await expectSealed(net, optimizer)).to.be.above(50)
    }
    await train(net, dataset, { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) })
    await expectSealed(net)
  })

  it('in a job whose gradients are infinite and NaN', async () => {
    // Small weights on large samples: the loss is a number, its gradient by the weights is none.
    using images = randn([16, 2, 5, 5]).tanh().mul_(1e38)
    using labels = randint(0, 3, [16]).long()
    using dataset = Dataset.from(images, labels)
    for (const spec of Object.values(SPECS)) {
      using net = make()
      using weight = net.tensor('conv.weight')
      noGrad(() => weight.mul_(1e-40))
      using optimizer = Optimizer.of(net, spec, l2(0.001))
      await maskAll(net)
      const options = { batchSize: 8, rates: [0.01], seed: 1 }
      await loadAddon().trainingStart(net.handle, optimizer.handle, dataset.handle, options).promise
      expect(weight.detach().isfinite().all().item(), spec.kind).to.equal(0)
      await expectSealed(net, optimizer)
    }
  })

  it('across a device move', async function () {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS['AdamW with amsgrad']!)
    await steps(net, optimizer, 1)
    await maskAll(net)
    const moved = snapshot(net)
    await net.to(device)
    expect(snapshot(net)).to.deep.equal(moved)
    await expectSealed(net, optimizer)
    if (!cuda.isAvailable()) this.skip()
    const other = device === 'cpu' ? 'cuda' : 'cpu'
    await net.to(other)
    expect(snapshot(net)).to.deep.equal(moved)
    await net.assertSealed()
    await expectSealed(net, optimizer)
    await net.to(device)
    await steps(net, optimizer, 2)
    await net.to(other)
    for (const layer of net.prunable) {
      using keep = net.mask(layer)!
      await net.setMask(layer, keep) // while the moments are still where they were
    }
    await expectSealed(net, optimizer)
  })

  it('across a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-'))
    try {
      using net = make()
      using optimizer = Optimizer.of(net, SPECS.momentum!)
      await steps(net, optimizer, 1)
      await maskAll(net)
      await net.save(join(folder, 'net.safetensors'))
      using loaded = await loadNetwork(join(folder, 'net.safetensors'), { device })
      expect(snapshot(loaded)).to.deep.equal(snapshot(net))
      using other = Optimizer.of(loaded, SPECS.Nesterov!)
      await other.loadState(optimizer.state())
      expect(await expectSealed(loaded, other)).to.be.above(100)
      await steps(loaded as unknown as Net, other)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('when values are loaded into it', async () => {
    using net = make()
    await maskAll(net)
    using values = full([3, 36], Number.NaN, { device })
    await net.put([['fc.weight', values]])
    await expectSealed(net)
  })

  it('under a new mask, which alone may bring a place back, from +0', async () => {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS.Adam!)
    await steps(net, optimizer, 1)
    await maskAll(net)
    using all = ones([3, 36], { device })
    await net.setMask('fc', all)
    using before = net.tensor('fc.weight').eq(0).sum()
    expect(before.item()).to.be.above(3)
    await steps(net, optimizer, 2)
    using after = net.tensor('fc.weight').eq(0).sum()
    expect(after.item()).to.equal(0)
    await net.setMask('fc', undefined)
    expect(net.mask('fc')).to.equal(undefined)
  })

  it('for good under criteria: a denser one changes nothing', async () => {
    using net = make()
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.25, conv: 0.5 }))
    const masks = () => scope(() => net.prunable.map((layer) => net.mask(layer)!.data()))
    const sparse = masks()
    expect(sparse[1]!.filter((keep) => keep).length).to.equal(27)
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await steps(net, optimizer)
    await applyCriterion(net, criteria.magnitude().density(0.9))
    expect(masks()).to.deep.equal(sparse)
    await applyCriterion(net, criteria.magnitude().density({ fc: 0.125 }))
    const [conv, fc] = masks()
    expect(conv).to.deep.equal(sparse[0])
    expect(fc!.every((keep, i) => keep <= sparse[1]![i]!)).to.equal(true)
    expect(fc!.filter((keep) => keep).length).to.be.within(13, 14)
    await expectSealed(net, optimizer)
  })
})

describe('what would break the seal is refused, with nothing changed:', () => {
  const cases: [what: string, spec: OptimizerSpec, lr: number, says: RegExp][] = [
    [
      'AdamW with a decay over 1 in a step',
      adamw({ lr: 2, weightDecay: 0.5 }),
      2,
      /^AdamW: learning rate x weight decay must be under 1, got 1/,
    ],
    ['a step of NaN', sgd({ lr: 0.1 }), Number.NaN, /^the learning rate must be in 0..1e20, got nan$/],
    ['an infinite step', adam(), Number.POSITIVE_INFINITY, /^the learning rate must be in/],
    [
      'a step that is infinite in float32',
      sgd({ lr: 0.1, momentum: 0.9 }),
      1e39,
      /^the learning rate must be in/,
    ],
    ['a negative step', adamw(), -0.1, /^the learning rate must be in/],
  ]
  for (const [what, plain, lr, says] of cases) {
    for (const fused of [true, false]) {
      it(`${what}${fused ? '' : ', looped'}`, async () => {
        using net = make()
        using optimizer = Optimizer.of(net, { ...plain, fused })
        await maskAll(net)
        backward(net)
        const before = snapshot(net)
        const error = refusal(() => optimizer.step(lr))
        expect(error.message).to.match(says)
        expect(error.code).to.equal('ERR_ARGUMENT')
        expect(snapshot(net)).to.deep.equal(before)
        expect(optimizer.state().get('fc.weight')!.steps).to.equal(0)
      })
    }
  }

  it('eps 0, and what float32 makes 0, in a description and in an optimiser', () => {
    using net = make()
    for (const eps of [0, 1e-46, -1e-8, Number.NaN]) {
      expect(refusal(() => adam({ eps })).message).to.match(/^adam: eps must be/)
      expect(refusal(() => adamw({ eps })).code).to.equal('ERR_ARGUMENT')
      const spec: AdamSpec = { ...adam(), eps }
      expect(refusal(() => Optimizer.of(net, spec)).message).to.match(/^Optimizer.of: spec.eps must be/)
    }
  })

  it('a state of less than no steps, or of another optimiser', async () => {
    using net = make()
    using optimizer = Optimizer.of(net, adam())
    using moment = ones([3, 36], { device })
    const load = async (steps: number, moments: Record<string, typeof moment>) =>
      (await laterRefusal(optimizer.loadState(new Map([['fc.weight', { steps, moments }]])))).message
    expect(await load(-1, { exp_avg: moment })).to.match(
      /\.steps must be a whole number of 0 or more, got -1$/,
    )
    expect(await load(1, { momentum_buffer: moment })).to.match(
      /^'fc.weight': this optimizer keeps no moment 'momentum_buffer'/,
    )
    using small = ones([3], { device })
    expect(await load(1, { exp_avg: small })).to.match(
      /exp_avg of 'fc.weight' does not have its parameter's shape/,
    )
    expect(optimizer.state().get('fc.weight')!.moments).to.deep.equal({})
  })

  it('masks that do not fit', async () => {
    using net = make()
    using keep = ones([3, 35], { device })
    const before = snapshot(net)
    expect((await laterRefusal(net.setMask('fc', keep))).code).to.equal('ERR_SHAPE')
    expect(snapshot(net)).to.deep.equal(before)
    expect(net.mask('fc')).to.equal(undefined)
  })
})

describe('assertSealed', () => {
  async function written(write: (net: Net) => void): Promise<string> {
    using net = make()
    using optimizer = Optimizer.of(net, SPECS.momentum!)
    await steps(net, optimizer, 1)
    await maskAll(net)
    await net.assertSealed()
    scope(() => noGrad(() => write(net)))
    const error = await laterRefusal(net.assertSealed())
    expect(error).to.be.instanceOf(TorchPruneError)
    expect(error.code).to.equal('ERR_SEAL')
    return error.message
  }

  it('names a weight that was written to past the mask, and how often', async () => {
    expect(await written((net) => net.tensor('fc.weight').flatten().narrow(0, 0, 2).add_(1))).to.match(
      /^pruned weights are not \+0 in fc\.weight \(2\): something wrote to them past the mask; set the mask again$/,
    )
  })

  it('sees -0', async () => {
    expect(await written((net) => net.tensor('fc.weight').neg_())).to.match(/in fc\.weight \(\d+\):/)
  })

  it('names a gradient', async () => {
    const message = await written((net) => {
      enableBackward(net)
      net.tensor('conv.weight').grad!.flatten().narrow(0, 0, 1).fill_(-0)
    })
    expect(message).to.match(/in conv\.weight\.grad \(1\):/)
  })

  it('names all', async () => {
    expect(
      await written((net) =>
        ['conv', 'fc'].map((layer) => net.tensor(`${layer}.weight` as 'fc.weight').add_(1)),
      ),
    ).to.match(/in conv\.weight \(\d+\), fc\.weight \(\d+\):/)
  })

  it('holds again when the mask is set again', async () => {
    using net = make()
    await maskAll(net)
    using weight = net.tensor('fc.weight')
    noGrad(() => weight.add_(1))
    using keep = net.mask('fc')!
    await net.setMask('fc', keep)
    await expectSealed(net)
  })

  function enableBackward(net: AnyNetwork): void {
    for (const layer of net.prunable) {
      const weight = net.tensor(`${layer}.weight`)
      weight.grad = ones(weight.shape, { device })
    }
  }
})
