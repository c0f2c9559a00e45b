import { expect } from 'chai'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { adam, sgd } from '../../lib/optim/spec.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { quantize } from '../../lib/quantize/quantize.js'
import { zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { refusal, refusedWith } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { expectShared } from './shared.js'

/** One output of five inputs, the third weight pruned, the others nearest to two values. */
async function rounded(weights: readonly number[]) {
  const net = network([5], { fc: linear(5, 1, { bias: false }) }, { device })
  const index = tensor([1, 1, 0, 2, 2], { shape: [1, 5], dtype: 'int64' })
  const values = tensor([...weights], { shape: [1, 5] })
  await net.put([['fc.weight', values]], [{ name: 'fc.weight', kind: 'rounded', keep: index.handle }])
  return net
}

describe('rounded weights', () => {
  it('are read as the means of those nearest to each other', async () => {
    using net = await rounded([-1, -0.5, 9, 0.25, 1.25])
    scope(() => {
      const read = (at: number) => {
        const one = tensor(
          [0, 1, 2, 3, 4].map((i) => (i === at ? 1 : 0)),
          { shape: [1, 5] },
        ).to(device)
        return net.forward(one).detach().cpu().item()
      }
      expect([0, 1, 2, 3, 4].map(read)).to.deep.equal([-0.75, -0.75, 0, 0.75, 0.75])
    })
  })

  it('take the whole gradient each, come a thousandth nearer, and change the value that they share', async () => {
    // The second one is nearer to 1.05 than to the first by itself.
    using net = await rounded([-2, 0.5, 9, 0.9, 1.2])
    using optimizer = Optimizer.of(net, sgd({ lr: 0.125 }))
    scope(() => {
      const input = tensor([1, 2, 3, 4, 5], { shape: [1, 5] }).to(device)
      const output = net.forward(input, { training: true })
      // It left -0.75 for 1.05, and the values followed: -2, and the mean of 0.5, 0.9 and 1.2.
      const high = 2.6 / 3
      expect(output.detach().cpu().item()).to.be.closeTo(-2 + high * (2 + 4 + 5), 1e-6)
      output.sum().backward()
      expect(Array.from(net.tensor('fc.weight').grad!.cpu().data(), Number)).to.deep.equal([1, 2, 0, 4, 5])
      const pulled = [-2, 0.5, 0, 0.9, 1.2].map((w, i) => (i === 0 || i === 2 ? w : w + 0.001 * (high - w)))
      optimizer.step()
      const wanted = pulled.map((w, i) => (i === 2 ? 0 : w - 0.125 * (i + 1)))
      const now = net.tensor('fc.weight').detach().cpu().data()
      for (const [i, w] of wanted.entries()) expect(now[i], `weight ${i}`).to.be.closeTo(w, 1e-6)
    })
    await net.assertSealed()
  })
})

/** The weights as they are read: their values in [rows, columns]. */
function readOf(net: Awaited<ReturnType<typeof priced>>): number[] {
  return scope(() => {
    net.forward(zeros([1, 6]).to(device), { training: true })
    const { index, values } = net.codebook('fc')!
    const shared = Array.from(values.cpu().data(), Number)
    return Array.from(index.cpu().data(), Number).map((i) => shared[i]!)
  })
}

const KEPT = [0.9, 1, 0.5, 0, 0, 1.1, -0.5, 0, 0, 0, 0, 0, -1, -0.8, 0, 0, 0, 0.3, 0, 0, 0, 0, 0, 0.55]

/** Four outputs of six inputs; kept weights share their means below and above 0. */
async function priced(price: number) {
  const net = network([6], { fc: linear(6, 4, { bias: false }) }, { device })
  const index = tensor(
    KEPT.map((w) => (w === 0 ? 0 : w < 0 ? 1 : 2)),
    { shape: [4, 6], dtype: 'int64' },
  )
  const values = tensor([...KEPT], { shape: [4, 6] })
  // The second time they have the values that a price is measured by.
  await net.put([['fc.weight', values]])
  await net.put([], [{ name: 'fc.weight', kind: 'rounded', keep: index.handle, price }])
  return net
}

/** What they are read as at a price, by the definition. */
function cheapest(price: number): number[] {
  const [rows, columns] = [4, 6]
  const kept = KEPT.filter((w) => w !== 0)
  const meanOf = (list: readonly number[]) => list.reduce((sum, w) => sum + w, 0) / list.length
  const shared = [meanOf(kept.filter((w) => w < 0)), meanOf(kept.filter((w) => w > 0))]
  const bit = price * meanOf(kept.map((w) => w * w))
  const share = kept.length / KEPT.length
  const odds = (count: number, length: number) => {
    const p = Math.min((count - 1 + 2 * share) / (length + 2), 0.98)
    return Math.log2(p / (1 - p))
  }
  const lengthOf = (belongs: (place: number) => boolean) =>
    KEPT.filter((w, i) => w !== 0 && belongs(i)).length
  const counts = shared.map((value) => 1 + kept.filter((w) => Math.sign(w) === Math.sign(value)).length)
  const chosen = KEPT.map((w, place) => {
    if (w === 0) return 0
    const [row, column] = [Math.floor(place / columns), place % columns]
    const ofPlace =
      Math.log2(share / (1 - share)) -
      odds(
        lengthOf((i) => Math.floor(i / columns) === row),
        columns,
      ) -
      odds(
        lengthOf((i) => i % columns === column),
        rows,
      )
    const costs = shared.map((value, k) => {
      const bits = ofPlace - Math.log2(counts[k]! / (counts[0]! + counts[1]!))
      return (w - value) ** 2 + bit * Math.max(bits, 1)
    })
    const least = Math.min(...costs)
    return w * w <= least ? 0 : costs.indexOf(least) + 1
  })
  // Then the values follow as the means of what is read as them.
  const means = [1, 2].map((k) => meanOf(KEPT.filter((_, i) => chosen[i] === k)))
  return chosen.map((k) => (k === 0 ? 0 : means[k - 1]!))
}

describe('rounded weights whose bits have a price', () => {
  for (const price of [0.01, 0.08, 0.2]) {
    it(`are read as the cheapest value at ${price}`, async () => {
      using net = await priced(price)
      const [read, wanted] = [readOf(net), cheapest(price)]
      for (const [i, value] of wanted.entries()) expect(read[i], `weight ${i}`).to.be.closeTo(value, 1e-6)
    })
  }

  it('go the smaller and the lonelier they are', () => {
    const left = [0.01, 0.08, 0.2].map((price) =>
      cheapest(price).flatMap((w, i) => (w === 0 ? [] : [KEPT[i]])),
    )
    expect(left).to.deep.equal([
      [0.9, 1, 0.5, 1.1, -0.5, -1, -0.8, 0.55],
      [0.9, 1, 0.5, 1.1, -1, -0.8, 0.55],
      [0.9, 1, 1.1, -1, -0.8],
    ])
  })
})

describe('quantize by training weights', () => {
  const retrain = { epochs: 12, optimizer: adam({ lr: 0.01 }), batchSize: 16 }
  const pruned = async () => {
    const [net, data] = [toyNetwork(), { train: toyData(192), validation: toyData(96, 7) }]
    await train(net, data.train, { epochs: 12, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16 })
    await applyCriterion(net, criteria.magnitude().density(0.5))
    return { net, data }
  }

  it('ends with weights that share values, sealed, some of them others than before', async () => {
    const { net, data } = await pruned()
    const indexOf = () =>
      scope(() => net.prunable.map((layer) => Array.from(net.codebook(layer)!.index.data(), Number)))
    await quantize(net, data, { values: 2 })
    const before = indexOf()
    const again = await pruned()
    const result = await quantize(again.net, data, { values: 2, trains: 'weights', retrain })
    expect(result.validationError).to.be.below(result.validationErrorClustered)
    await expectShared(again.net)
    const after = scope(() =>
      again.net.prunable.map((layer) => Array.from(again.net.codebook(layer)!.index.data(), Number)),
    )
    expect(after).to.not.deep.equal(before)
    expect(after.map((index) => index.filter((i) => i === 0).length)).to.deep.equal(
      before.map((index) => index.filter((i) => i === 0).length),
    )
    net.dispose()
    again.net.dispose()
  })

  it('prunes weights that are not worth their bits, for good', async () => {
    const keptOf = (net: Awaited<ReturnType<typeof pruned>>['net']) =>
      scope(() => net.prunable.map((layer) => net.mask(layer)!.sum().item()))
    const bytes: number[] = []
    for (const price of [0, 0.02]) {
      const { net, data } = await pruned()
      const before = keptOf(net)
      const result = await quantize(net, data, { values: 2, trains: 'weights', price, retrain })
      const after = keptOf(net)
      expect(result.layers.map(({ kept }) => kept)).to.deep.equal(after)
      if (price === 0) expect(after).to.deep.equal(before)
      else for (const [i, count] of after.entries()) expect(count).to.be.within(1, before[i]! - 1)
      await expectShared(net)
      bytes.push(result.bytes)
      net.dispose()
    }
    expect(bytes[1]).to.be.below(bytes[0]!)
  })

  it('refuses a price where weights are not trained, and one at which none is left', async () => {
    const { net, data } = await pruned()
    expect(refusal(() => quantize(net, data, { values: 2, price: 0.01, retrain })).message).to.match(
      /^quantize: a bit has a price while weights are trained: give retrain, and trains: 'weights'/,
    )
    const dear = { values: 2, trains: 'weights', price: 100, retrain } as const
    expect(await refusedWith(quantize(net, data, dear), 'ERR_ARGUMENT')).to.equal(
      'at this price no weight of a layer is worth its bits: give a lower price',
    )
    await expectShared(net)
    net.dispose()
  })

  it('trains no layer with its kept weights alone, which would read them as they are', async () => {
    const results = []
    for (const sparse of ['on', 'off'] as const) {
      const { net, data } = await pruned()
      results.push(
        await quantize(net, data, { values: 2, trains: 'weights', retrain: { ...retrain, sparse } }),
      )
      net.dispose()
    }
    const [on, off] = results.map(({ validation }) => validation)
    expect(on).to.deep.equal(off)
  })

  it('leaves weights that share values when it is aborted', async () => {
    const { net, data } = await pruned()
    const stop = new AbortController()
    const job = quantize(net, data, { values: 3, trains: 'weights', retrain, signal: stop.signal })
    const reason = new Error('enough')
    const failed = await (async () => {
      for await (const { stage } of job) if (stage === 'epoch') stop.abort(reason)
    })().catch((error: unknown) => error)
    expect(failed).to.equal(reason)
    await expectShared(net)
    for (const layer of net.prunable) expect(net.codebook(layer)).to.not.equal(undefined)
    net.dispose()
  })

  it('lets biases share values, and goes on training each by itself', async () => {
    const { net, data } = await pruned()
    const distinct = (name: 'fc1.bias' | 'fc2.bias') =>
      scope(() => new Set(Array.from(net.tensor(name).detach().cpu().data(), Number)).size)
    const { bytes } = await quantize(net, data, { values: 4, biasValues: 2, biases: 'float16', retrain })
    expect(distinct('fc1.bias')).to.equal(2)
    // Of three, two values would save nothing.
    expect(distinct('fc2.bias')).to.equal(3)
    const [net2, { bytes: more }] = await (async () => {
      const { net } = await pruned()
      return [net, await quantize(net, data, { values: 4, biases: 'float16', retrain })] as const
    })()
    expect(bytes).to.be.below(more)
    await train(net, data.train, { epochs: 1, optimizer: sgd({ lr: 0.1 }), batchSize: 16 })
    expect(distinct('fc1.bias')).to.be.above(2)
    net.dispose()
    net2.dispose()
  })
})
