import { expect } from 'chai'
import { TorchPruneError } from '../../lib/base/errors.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { type AdamSpec, adam, adamw, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { ones } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal, refusal } from '../support/refusal.js'
import { expectSealed } from './sealed.js'
import { backward, make, maskAll, type Net, SPECS, steps } from './sealing_toy.js'

beforeEach(() => manualSeed(1))

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

  it('eps 0, and what float32 makes 0, in a description and in an optimizer', () => {
    using net = make()
    for (const eps of [0, 1e-46, -1e-8, Number.NaN]) {
      expect(refusal(() => adam({ eps })).message).to.match(/^adam: eps must be/)
      expect(refusal(() => adamw({ eps })).code).to.equal('ERR_ARGUMENT')
      const spec: AdamSpec = { ...adam(), eps }
      expect(refusal(() => Optimizer.of(net, spec)).message).to.match(/^Optimizer.of: spec.eps must be/)
    }
  })

  it('a state of less than no steps, or of another optimizer', async () => {
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
