import { expect } from 'chai'
import fc from 'fast-check'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { sgd } from '../../lib/optim/spec.js'
import { keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { spliceSteps, spliceTimes } from '../../lib/prune/splice_times.js'
import { spliceOnce } from '../../lib/prune/splicing.js'
import { tensor } from '../../lib/tensor/from.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectSealed } from './sealed.js'

describe('spliceOnce', () => {
  it('keeps exactly the density, whatever the weights, the mask and the margin', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 48, maxLength: 48 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        async (values, before, density, margin) => {
          using net = toyNetwork()
          // Some of one magnitude, and none 0, which could not return.
          const own = values.map((value) => Math.round(4 * value) || 1)
          await load(net, own)
          await spliceOnce(net, criteria.magnitude().density({ fc2: before }), { margin })
          await spliceOnce(net, criteria.magnitude().density({ fc2: density }), { margin })
          const { kept } = (await keptWeights(net))[1]!
          expect(kept).to.equal(Math.round(density * 48))
        },
      ),
      { numRuns: 40 },
    ))

  it('moves a weight only when it leaves the margin', async () => {
    using net = toyNetwork()
    const kept = () => Array.from(net.mask('fc2')!.data())
    const ramp = Array.from({ length: 48 }, (_, i) => 1 + i / 100)
    await load(net, ramp)
    const half = criteria.magnitude().density({ fc2: 0.5 })
    await spliceOnce(net, half, { margin: 0.1 })
    const first = kept()
    expect(first).to.deep.equal(ramp.map((_, i) => (i < 24 ? 0 : 1)))
    // The largest pruned one passes the smallest kept one, by less than the margin; then by more.
    await load(net, ramp.with(23, 1.3))
    expect(await spliceOnce(net, half, { margin: 0.1 })).to.deep.equal({ returned: 0, removed: 0 })
    expect(kept()).to.deep.equal(first)
    await load(net, ramp.with(23, 1.6))
    expect(await spliceOnce(net, half, { margin: 0.1 })).to.deep.equal({ returned: 1, removed: 1 })
    expect(kept()).to.deep.equal(first.with(23, 1).with(24, 0))
  })

  it('never gives back what is no number, infinite or 0', async () => {
    using net = toyNetwork()
    const ramp = Array.from({ length: 48 }, (_, i) => 1 + i / 100)
    await load(net, ramp)
    await spliceOnce(net, criteria.magnitude().density({ fc2: 0.5 }))
    await load(
      net,
      ramp.with(0, Number.NaN).with(1, Number.POSITIVE_INFINITY).with(2, Number.NEGATIVE_INFINITY).with(3, 0),
    )
    await spliceOnce(net, criteria.magnitude().density({ fc2: 1 }))
    expect(Array.from(net.mask('fc2')!.data())).to.deep.equal(ramp.map((_, i) => (i < 4 ? 0 : 1)))
  })

  it("serves a loop of one's own", async () => {
    using net = toyNetwork()
    using optimizer = Optimizer.of(net, sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }))
    using data = toyData()
    for (let step = 0; step < 6; step++) {
      await spliceOnce(net, criteria.magnitude().global(0.3))
      scope(() => {
        const { images, labels } = data.batch(
          Array.from({ length: 32 }, (_, i) => i),
          device,
        )
        optimizer.zeroGrad()
        crossEntropy(net.forward(images, { training: true }), labels).backward()
        optimizer.step()
      })
    }
    await net.seal()
    await expectSealed(net, optimizer)
  })
})

async function load(net: AnyNetwork, values: readonly number[]): Promise<void> {
  using own = tensor(values, { shape: [3, 16] })
  await net.put([['fc2.weight', own]])
}

describe('the steps at which masks change', () => {
  it('end with one that reaches the density, in any run', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (steps, epochs, every, probability, one, other) => {
          const times = spliceTimes({
            every,
            probability,
            reach: Math.min(one, other),
            until: Math.max(one, other),
          })
          const total = steps * epochs
          const chosen = Array.from({ length: epochs }, (_, epoch) =>
            spliceSteps(times, 0, epoch * steps, steps, total).map((each) => ({
              ...each,
              at: epoch * steps + each.step,
            })),
          ).flat()
          expect(chosen.at(-1)!.progress).to.equal(1)
          expect(chosen.at(-1)!.at).to.equal(Math.ceil(times.until * total) - 1)
          const progress = chosen.map((each) => each.progress)
          expect(progress).to.deep.equal(progress.toSorted((a, b) => a - b))
        },
      ),
    )
  })
})
